/** Text as it stands on a terminal: how wide it is, and what of it may be written there. */
import { stripVTControlCharacters, styleText } from "node:util";
import stringWidth from "string-width";

const graphemes = new Intl.Segmenter();

/** Columns that a text takes. */
export const widthOf = (text: string): number => stringWidth(text);

/** As much of a text as fits into so many columns; with an ellipsis at its end when that is not all. */
export function cut(text: string, columns: number): string {
  if (columns === Number.POSITIVE_INFINITY || widthOf(text) <= columns) return text;
  let kept = "";
  let width = 1;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** A text on one line without anything that a terminal would take for a command: what tools print may hold such. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}

/** Writes text to stderr, of every line what may be written there. */
export function complain(text: string): void {
  process.stderr.write(`${text.split("\n").map(printable).join("\n")}\n`);
}

/** How a piece of text looks, by the names that `util.styleText` has. */
export type Look = Parameters<typeof styleText>[0];

/** Gives text a look. */
export type Paint = (look: Look, text: string) => string;

/** Colours on a terminal, unless NO_COLOR is set; plain text elsewhere. */
export const paintFor = (stream: { readonly isTTY?: boolean | undefined }): Paint =>
  // Not all runtimes look at the stream themselves.
  stream.isTTY === true && !process.env["NO_COLOR"] ? (look, text) => styleText(look, text, { validateStream: false }) : (_, text) => text;
