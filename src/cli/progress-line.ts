/** One line at the bottom of a terminal that says how far a call is. Nothing at all when stderr is no terminal. */
import type { Progress } from "../tool/call.ts";
import { cut, printable } from "./text.ts";

const visible = process.stderr.isTTY === true;
let shown = false;

/** Shows how far a call is, in place of what was shown before. */
export function showProgress({ fraction, message }: Progress): void {
  if (!visible) return;
  const text = printable(`${Math.round(fraction * 100)} % ${message}`);
  process.stderr.write(`\r\u001b[K${cut(text, (process.stderr.columns ?? 80) - 1)}`);
  shown = true;
}

/** Takes the line away. Call it before anything else is written to the terminal. */
export function hideProgress(): void {
  if (shown) process.stderr.write("\r\u001b[K");
  shown = false;
}
