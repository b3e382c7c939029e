/** How messages are read, so that none of them can hold the program up, and what is told of those that cannot be read. */
import type { BinaryReadOptions, JsonReadOptions } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { MAX_DEPTH } from "../../value/limits.ts";

/** Most lists and objects inside one another: what a value may have, and the message around it. */
const MAX_JSON_DEPTH = MAX_DEPTH + 12;
/** A list of `google.protobuf.Value` is two messages, an object three. The default of 100 would refuse values that every other way takes. */
const limits: Pick<BinaryReadOptions & JsonReadOptions, "recursionLimit"> = { recursionLimit: 3 * MAX_JSON_DEPTH };

const plain = new TextDecoder();

/** How protobuf is read. */
export const binaryOptions: Partial<BinaryReadOptions> = limits;

/**
 * How JSON is read. Runtimes read it before its depth is looked at: five million brackets take seconds on Node, and some runtimes lose their stack. So brackets
 * are counted first, which takes a nanosecond a byte. Connect takes its text from the decoder that stands here.
 */
export const jsonOptions: Partial<JsonReadOptions> & { readonly textDecoder: Pick<TextDecoder, "decode"> } = {
  ...limits,
  textDecoder: {
    decode(bytes) {
      if (bytes instanceof Uint8Array) checkDepth(bytes);
      return plain.decode(bytes);
    },
  },
};

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\[]{}');

/** Throws unless the JSON is so shallow that it may be read. What is no JSON is found out later. */
function checkDepth(json: Uint8Array): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > MAX_JSON_DEPTH)
        throw new ConnectError(`more than ${MAX_JSON_DEPTH} lists and objects stand inside one another`, Code.InvalidArgument);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
  }
}

/** What Connect says of protobuf that it cannot read. */
const UNREADABLE = "parse binary: ";

/**
 * Makes protobuf that cannot be read the caller's fault: Connect for ECMAScript calls it its own ("internal"), where Connect for Go says
 * "invalid_argument". The error is met nowhere but at the end of a request's context, right before it is written.
 */
export function blameCaller({ signal, requestHeader }: HandlerContext): void {
  if (requestHeader.get("content-type")?.endsWith("json")) return;
  const onEnd = (): void => {
    const { reason } = signal;
    if (reason instanceof ConnectError && reason.code === Code.Internal && reason.rawMessage.startsWith(UNREADABLE))
      Object.assign(reason, { code: Code.InvalidArgument });
  };
  signal.addEventListener("abort", onEnd, { once: true });
}
