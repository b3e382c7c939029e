/** Chromium for tests. */
import { type Browser, chromium } from "playwright-core";
import { chromiumPath, INSTALL } from "./chromium.ts";

/** Starts it without a window. */
export function openChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error(`there is no Chromium; install it: ${INSTALL}`);
  return chromium.launch({ executablePath: chromiumPath });
}
