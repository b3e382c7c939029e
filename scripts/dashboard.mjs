/**
 * Puts the dashboard into one page, dist/dashboard.html, that asks nobody else for anything. Its policy names its script and its style by their hashes, so
 * nothing that finds its way into the page can run.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const bundle = async (options) => {
  const { outputFiles } = await build({ bundle: true, minify: true, write: false, target: "es2022", logLevel: "warning", ...options });
  return outputFiles[0].text.trim();
};

const script = await bundle({ entryPoints: [at("src/dashboard/main.tsx")], format: "esm", platform: "browser", legalComments: "none" });
// Not by the import in the source, which would make it a second file.
const style = await bundle({
  stdin: { contents: '@import "uplot/dist/uPlot.min.css"; @import "./style.css";', resolveDir: at("src/dashboard"), loader: "css" },
});
if (script.includes("</script") || style.includes("</style")) throw new Error("the script or the style would end its element early");

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "connect-src 'self'",
  "img-src data:",
  "form-action 'none'",
  "base-uri 'none'",
].join("; ");
const parts = {
  POLICY: policy,
  "<!-- STYLE -->": `<style>${style}</style>`,
  "<!-- SCRIPT -->": `<script type="module">${script}</script>`,
};
const page = readFileSync(at("src/dashboard/index.html"), "utf8").replace(/POLICY|<!-- (?:STYLE|SCRIPT) -->/g, (part) => parts[part]);
mkdirSync(at("dist"), { recursive: true });
writeFileSync(at("dist/dashboard.html"), page);
