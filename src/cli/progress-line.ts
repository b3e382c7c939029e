/** One line at the bottom of a terminal that says how far a call is. Nothing at all when stderr is no terminal. */
import type { Progress } from "../tool/call.ts";

const visible = process.stderr.isTTY === true;
let shown = false;

/** Shows how far a call is, in place of what was shown before. */
export function showProgress({ fraction, message }: Progress): void {
  if (!visible) return;
  const text = `${Math.round(fraction * 100)} % ${message}`.replaceAll(/[\r\n]+/g, " ");
  process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  shown = true;
}

/** Takes the line away. Call it before anything else is written to the terminal. */
export function hideProgress(): void {
  if (shown) process.stderr.write("\r\u001b[K");
  shown = false;
}
