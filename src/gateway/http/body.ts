/** Bodies within limits: how large, and how long they may take to come. */
import { Code, ConnectError } from "@connectrpc/connect";
import { PayloadTooLarge } from "../../errors/index.ts";

/** What a body has to keep to. */
export interface BodyLimits {
  /** Infinity where each message of the body has a limit of its own. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Whether the time is for the whole body, or for each part of it. */
  readonly timeFor: "each part" | "the whole";
}

/** The error for a body that is too large. In its words only: Connect's own check of a message has no details either, and its conformance suite wants none. */
export function tooLarge(size: number, limit: number): ConnectError {
  const { message, code } = new PayloadTooLarge({ size, limit, option: "limits.maxBodyBytes" });
  return new ConnectError(message, code);
}

/** The same body, which fails when it is too large or comes too slowly. */
export async function* limitBody(body: AsyncIterable<Uint8Array>, limits: BodyLimits): AsyncGenerator<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  let size = 0;
  let tell: (error: ConnectError) => void = () => {};
  const late = new Promise<never>((_, reject) => {
    tell = reject;
  });
  // Nobody waits for it while a part is being handled.
  late.catch(() => {});
  const expect = () => setTimeout(() => tell(tooSlow(limits)), limits.timeoutMs);
  let timer = expect();
  try {
    for (;;) {
      const part = await Promise.race([parts.next(), late]);
      if (part.done) return;
      size += part.value.byteLength;
      if (size > limits.maxBytes) throw tooLarge(size, limits.maxBytes);
      if (limits.timeFor === "each part") {
        clearTimeout(timer);
        timer = expect();
      }
      yield part.value;
    }
  } finally {
    clearTimeout(timer);
  }
}

const tooSlow = ({ timeoutMs, timeFor }: BodyLimits): ConnectError =>
  new ConnectError(`${timeFor} of the request's body has to come within ${timeoutMs} ms`, Code.DeadlineExceeded);
