/** What the tests of the command line share: running it as a process of its own, with an environment and a folder of its own. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CommandResult, runCommand } from "../runtime/command.ts";
import { packageInfo } from "../runtime/package-root.ts";

/** The Python that the tests run on. It has what workers need. */
export const python: string = join(packageInfo().root, ".venv", "bin", "python");

/** An empty folder with nothing of this machine's in the environment but what a test puts there. */
export class Sandbox {
  readonly folder: string = mkdtempSync(join(tmpdir(), "snakepit-cli-"));
  /** Only this is on PATH. */
  readonly bin: string = join(this.folder, "bin");
  readonly cache: string = join(this.folder, "cache");

  constructor() {
    mkdirSync(this.bin);
  }

  /** Writes a file, relative to the folder. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Writes a program. */
  script(name: string, body: string): string {
    const path = this.write(name, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** Writes an interpreter that answers a probe. What is not said is as with a plain Python 3.12 that has all that workers need. */
  interpreter(name: string, says: Readonly<Record<string, unknown>> = {}): string {
    const packages = { msgspec: "0.22.0", protobuf: "7.36.2", uvloop: "0.23.0" };
    const path = join(this.folder, name);
    const answer = {
      version: [3, 12, 1],
      executable: path,
      packages,
      isVenv: false,
      hasPip: true,
      hasVenv: true,
      isExternallyManaged: false,
      ...says,
    };
    return this.script(name, `echo '${JSON.stringify(answer)}'`);
  }

  /** Runs `snakepit` with these arguments in the folder. */
  snakepit(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    return this.shell('exec "$@"', args, env);
  }

  /** Runs a script of the shell in the folder, in which `"$@"` is `snakepit` with these arguments. */
  shell(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    const main = join(packageInfo().root, "src", "cli", "main.ts");
    return runCommand("/bin/sh", ["-c", `cd "$0" && ${script}`, this.folder, process.execPath, main, ...args], {
      env: { PATH: this.bin, HOME: this.folder, SNAKEPIT_CACHE: this.cache, TMPDIR: this.folder, ...env },
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
