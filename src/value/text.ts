/**
 * UTF-8 in and out of a byte array, by the fastest means the runtime has.
 *
 * Node, Bun and Deno have methods on Buffer that copy between a string and a range of memory in one native call; elsewhere TextEncoder and
 * TextDecoder do it through a view. Short strings are faster in JavaScript than through any call, so callers handle them first.
 */
import { ProtocolError } from "../errors/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Not in the types of Node, but in all three runtimes; `write` and `toString` look at their arguments first and cost twice as much. */
interface NativeText {
  utf8Write(this: Uint8Array, text: string, offset: number, length: number): number;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

function nativeText(): NativeText | undefined {
  if (typeof Buffer === "undefined") return undefined;
  const prototype: Partial<NativeText> = Buffer.prototype as object;
  const { utf8Write, utf8Slice } = prototype;
  return utf8Write === undefined || utf8Slice === undefined ? undefined : { utf8Write, utf8Slice };
}

const native = nativeText();

/** Memory that is not cleared first where the runtime allows, never from a shared pool. */
export const allocate: (size: number) => Uint8Array =
  native === undefined ? (size) => new Uint8Array(size) : (size) => Buffer.allocUnsafeSlow(size);

/** Writes `text` at `at`; there must be room. Answers the number of bytes. Lone surrogates become U+FFFD: look for them when it is not `text.length`. */
export const writeText: (into: Uint8Array, text: string, at: number) => number =
  native === undefined
    ? (into, text, at) => encoder.encodeInto(text, into.subarray(at)).written
    : (into, text, at) => native.utf8Write.call(into, text, at, into.length - at);

/** Number of bytes that `text` takes. */
export const textLength: (text: string) => number =
  native === undefined ? (text) => encoder.encode(text).length : (text) => Buffer.byteLength(text, "utf8");

/** The text of a range. @throws ProtocolError when it is no UTF-8. */
export function readText(from: Uint8Array, start: number, end: number): string {
  if (native !== undefined) {
    // A fault becomes U+FFFD, so only text that holds one has to be read again with the strict decoder.
    const text = native.utf8Slice.call(from, start, end);
    if (!text.includes("\ufffd")) return text;
  }
  try {
    return decoder.decode(from.subarray(start, end));
  } catch (cause) {
    throw new ProtocolError({ reason: "a string is not UTF-8" }, { cause });
  }
}

/**
 * Up to how many characters {@link readShortText} reads. Strings that are put together from parts stay trees in JavaScriptCore until they are looked at,
 * which costs more than the call that is saved.
 */
const SHORT = "Bun" in globalThis ? 3 : 16;

/** The text of a range that is short and ASCII, else `undefined`: then {@link readText} has to do it. */
export function readShortText(from: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT) return undefined;
  let text = "";
  let at = start;
  for (; end - at >= 4; at += 4) {
    const a = from[at]!;
    const b = from[at + 1]!;
    const c = from[at + 2]!;
    const d = from[at + 3]!;
    if ((a | b | c | d) >= 0x80) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const code = from[at]!;
    if (code >= 0x80) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}
