/** Chromium for tests: the system's own, since none is downloaded. */
import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

/** How Chromium is installed on Debian, for whoever lacks it. */
export const INSTALL = "apt-get update && apt-get install -y --no-install-recommends chromium";

const places = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is; undefined when it is not installed. */
export const chromiumPath: string | undefined = places.find((path) => path !== undefined && existsSync(path));

/** Starts it without a window. */
export function openChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error(`there is no Chromium; install it: ${INSTALL}`);
  return chromium.launch({ executablePath: chromiumPath });
}
