/** Where the system's Chromium is, since none is downloaded, and how it gets there. */
import { existsSync } from "node:fs";
import process from "node:process";

/** Installs it on Debian. */
export const INSTALL = "apt-get update && apt-get install -y --no-install-recommends chromium";

const places = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Its path; undefined when it is not installed. */
export const chromiumPath: string | undefined = places.find((path) => path !== undefined && existsSync(path));
