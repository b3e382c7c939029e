/** The dashboard: one page without data, which asks the gateway as any other program does. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageInfo } from "../runtime/package-root.ts";

/** The page brings its policy for scripts along; what only a header can say is said here. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-cache",
  "content-security-policy": "frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Answers with the page. Its file is made when the package is built. */
export async function dashboardPage(): Promise<Response> {
  const html = await readFile(join(packageInfo().root, "dist", "dashboard.html"), "utf8");
  return new Response(html, { headers: HEADERS });
}
