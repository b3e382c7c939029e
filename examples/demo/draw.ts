/** Digits as characters: two a pixel, so that they come out square. */
const SHADES = [" ", "░", "▒", "▓", "█"];
const SIDE = 8;

const line = (pixels: Float64Array): string =>
  Array.from(pixels, (pixel) => (SHADES[Math.round(pixel * (SHADES.length - 1))] ?? " ").repeat(2)).join("");

/** Pictures beside each other, each over its caption. */
export function drawDigits(digits: readonly { readonly image: Float64Array; readonly caption: string }[]): string {
  const rows = Array.from({ length: SIDE }, (_, row) => digits.map(({ image }) => line(image.subarray(row * SIDE, (row + 1) * SIDE))));
  const captions = digits.map(({ caption }) => caption.padEnd(SIDE * 2));
  return [...rows, captions].map((cells) => `  ${cells.join("  ")}`.trimEnd()).join("\n");
}
