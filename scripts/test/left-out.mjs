/** Tests that this machine cannot run, and what it takes. */
import { chromiumPath, INSTALL } from "../../test/chromium.ts";

/** One line for each kind of them. */
export function leftOut() {
  return chromiumPath === undefined ? [`tests in a browser, since there is no Chromium; this adds it: ${INSTALL}`] : [];
}
