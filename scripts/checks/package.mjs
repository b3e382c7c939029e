/** The packed package is one that every kind of importer resolves: publint and attw read the tarball that npm would publish. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
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
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
