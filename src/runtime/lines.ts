/** Cuts bytes that arrive in pieces into lines of text. */
import type { Readable } from "node:stream";

/** Longest line given out in one piece, in characters. A longer one is given out in several, so that output without an end costs no memory. */
const maxLineLength = 65_536;

/** Takes the bytes of one stream. */
export interface LineSplitter {
  /** The next bytes. */
  write(bytes: Uint8Array): void;
  /** No more bytes come: gives out what is left. */
  end(): void;
}

/** Gives each line of UTF-8 text to `onLine`, without its newline (`\n` or `\r\n`). Bytes that are no UTF-8 become U+FFFD. */
export function splitLines(onLine: (line: string) => void): LineSplitter {
  const decoder = new TextDecoder();
  let rest = "";
  const give = (line: string): void => {
    let from = 0;
    for (; line.length - from > maxLineLength; from += maxLineLength) onLine(line.slice(from, from + maxLineLength));
    onLine(from === 0 ? line : line.slice(from));
  };
  const take = (text: string): void => {
    rest += text;
    let from = 0;
    for (let end = rest.indexOf("\n", from); end >= 0; end = rest.indexOf("\n", from)) {
      give(rest.slice(from, rest[end - 1] === "\r" && end > from ? end - 1 : end));
      from = end + 1;
    }
    for (; rest.length - from > maxLineLength; from += maxLineLength) onLine(rest.slice(from, from + maxLineLength));
    rest = rest.slice(from);
  };
  return {
    write: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end: () => {
      take(decoder.decode());
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}

/** Gives each line of a stream to `onLine`. Resolves when the stream is closed and its last line was given; never rejects. */
export function hear(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const splitter = splitLines(onLine);
  return new Promise((resolve) => {
    stream.on("data", (bytes: Uint8Array) => splitter.write(bytes));
    stream.on("error", () => {});
    stream.once("close", () => {
      splitter.end();
      resolve();
    });
  });
}
