/**
 * The packed package is one that every kind of importer resolves: publint and attw read the tarball that npm would publish. The client runs where there is
 * nothing but `fetch`, and is small.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What the client may weigh as a web page loads it, in bytes. */
const CLIENT_BYTES = 40_000;
const root = fileURLToPath(new URL("../../", import.meta.url));
/** Why the client is not what it should be; undefined when it is. */
async function clientFault() {
  try {
    // For a browser, so that a module of Node is one that is not found.
    const { outputFiles } = await build({
      entryPoints: [join(root, "dist", "client.mjs")],
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "silent",
    });
    const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
    console.log(`snakepit/client: ${size} bytes gzipped`);
    return size > CLIENT_BYTES ? `snakepit/client is over ${CLIENT_BYTES} bytes` : undefined;
  } catch (error) {
    return `snakepit/client cannot be bundled for a browser: ${error.message}`;
  }
}

const folder = mkdtempSync(join(tmpdir(), "snakepit-package-"));
try {
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: root, encoding: "utf8" }),
  );
  const tarball = join(folder, packed.filename);
  console.log(`${packed.filename}: ${packed.entryCount} files, ${packed.size} bytes`);
  const checks = [
    ["publint", ["run", "--strict", tarball]],
    ["attw", ["--profile", "esm-only", tarball]],
  ];
  const failed = checks.filter(([file, args]) => spawnSync(file, args, { cwd: root, stdio: "inherit" }).status !== 0);
  const fault = await clientFault();
  if (fault !== undefined) console.error(fault);
  process.exitCode = failed.length > 0 || fault !== undefined ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
