/**
 * Installs what Snakepit is measured against into bench/peers: packages from its bun.lock, a virtual environment from its requirements.txt. Done once; again
 * when one of them changes.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("./peers/", import.meta.url));
const root = fileURLToPath(new URL("../", import.meta.url));
const own = (...names: string[]): string => join(folder, ...names);
const bin = own(".venv", "bin");
const stamp = own("node_modules", ".stamp.json");

/** What the peers run with. */
export interface Peers {
  /** The interpreter with the Python sides of the peers. */
  readonly python: string;
  /** Where systems that have the interpreter inside find its library, for LD_LIBRARY_PATH. */
  readonly libraries: string;
}

/** Makes sure that the peers are there. `say` hears what takes time. */
export async function installPeers(say: (text: string) => void): Promise<Peers> {
  const key = createHash("sha256");
  for (const file of ["package.json", "bun.lock", "requirements.txt"]) key.update(readFileSync(own(file)));
  const digest = key.digest("hex");
  const python = join(bin, "python");
  if (existsSync(stamp) && existsSync(python)) {
    const known: { digest: string; libraries: string } = JSON.parse(readFileSync(stamp, "utf8"));
    if (known.digest === digest) return { python, libraries: known.libraries };
  }
  say("installing the peers into bench/peers: Python's side");
  rmSync(own(".venv"), { recursive: true, force: true });
  const { stdout: base } = await run(join(root, ".venv/bin/python"), ["-c", "import os, sys; print(os.path.realpath(sys.executable))"]);
  await run(base.trim(), ["-m", "venv", own(".venv")]);
  await run(join(root, ".venv/bin/uv"), [
    ...["pip", "install", "--system-certs", "--python", python, "--require-hashes", "-r", own("requirements.txt")],
  ]);
  say("installing the peers into bench/peers: packages, some of which are compiled");
  // Those that embed Python look for the one that is first in the path.
  const path = [bin, process.env["PATH"]].join(delimiter);
  const headers = nodeHeaders();
  const env = { ...process.env, PATH: path, ...(headers === undefined ? {} : { npm_config_nodedir: headers }) };
  rmSync(own("node_modules"), { recursive: true, force: true });
  // Copies, because a package patches its binary, and links would lead into Bun's cache.
  await run("bun", ["install", "--frozen-lockfile", "--backend=copyfile"], { cwd: folder, env });
  const libraries = await libraryFolders();
  writeFileSync(stamp, JSON.stringify({ digest, libraries }));
  return { python, libraries };
}

/** Where a Node of this machine keeps its headers, so that node-gyp need not download them; the interface it compiles for is the same in all. */
function nodeHeaders(): string | undefined {
  const prefixes = (process.env["PATH"] ?? "").split(delimiter).map((entry) => join(entry, ".."));
  return prefixes.find((prefix) => existsSync(join(prefix, "include", "node", "node_api.h")));
}

/** Where libpython is: of the environment's Python first, then of those of pyenv, where the postinstall script of @platformatic/python-node looks too. */
async function libraryFolders(): Promise<string> {
  const { stdout } = await run(join(bin, "python"), ["-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"]);
  const versions = join(homedir(), ".pyenv", "versions");
  const others = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, "lib")) : [];
  return [...new Set([stdout.trim(), ...others])].join(delimiter);
}
