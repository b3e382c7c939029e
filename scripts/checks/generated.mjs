/** The committed generated code is what `buf generate` makes of proto now. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const OUTPUTS = ["src/gen", "python/src/snakepit/v1"];
/** Written by hand, since no generator makes it. */
const BY_HAND = new Set(["__init__.py"]);

const filesIn = (folder) =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((path) => /\.(?:ts|pyi?)$/.test(path) && !BY_HAND.has(path)) : [];

const fresh = mkdtempSync(join(tmpdir(), "snakepit-generated-"));
const faults = [];
try {
  execFileSync("buf", ["generate", "-o", fresh], { cwd: root, stdio: "inherit" });
  execFileSync("buf", ["generate", "proto-grpc", "--template", "proto-grpc/buf.gen.yaml", "-o", fresh], { cwd: root, stdio: "inherit" });
  for (const output of OUTPUTS) {
    const made = filesIn(join(fresh, output));
    if (made.length === 0) faults.push(`${output}: nothing was generated`);
    for (const path of new Set([...made, ...filesIn(join(root, output))])) {
      const committed = join(root, output, path);
      const wanted = join(fresh, output, path);
      if (!existsSync(wanted)) faults.push(`${output}/${path}: no proto file makes it`);
      else if (!existsSync(committed)) faults.push(`${output}/${path}: is missing`);
      else if (!readFileSync(committed).equals(readFileSync(wanted))) faults.push(`${output}/${path}: is stale`);
    }
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) console.error('Run "npm run generate" and commit what it changes.');
process.exit(faults.length > 0 ? 1 : 0);
