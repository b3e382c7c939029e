/** The scripts of `snakepit --completions`, loaded by the shells they are for. A shell that is not installed is left out. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { Sandbox } from "./cli.support.ts";
import { TestTerminal } from "./terminal.support.ts";

setDefaultTimeout(60_000);

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());
sandbox.write("tools.py", "");
sandbox.write("token.txt", "");

interface Shell {
  /** A program that reads commands as they are typed, and nothing of what this user has set up. */
  readonly command: readonly string[];
  /** Loads the script. What it prints last is "loaded". */
  readonly load: (script: string) => string;
}

const shells: Readonly<Record<"bash" | "zsh" | "fish", Shell>> = {
  bash: { command: ["--norc", "--noprofile"], load: (script) => `. ${script} && echo load""ed` },
  zsh: { command: ["-f", "-i"], load: (script) => `autoload -Uz compinit && compinit -u -D && . ${script} && echo load""ed` },
  fish: { command: ["--no-config", "--private"], load: (script) => `source ${script}; and echo load""ed` },
};

/** What is typed before the tab key, and what it is completed to. */
const completed = [
  ["snakepit work", "snakepit workers"],
  ["snakepit token rev", "snakepit token revoke"],
  ["snakepit top --int", "snakepit top --interval"],
  ["snakepit top --token-file tok", "snakepit top --token-file token.txt"],
  ["snakepit call ./too", "snakepit call ./tools.py"],
] as const;

for (const [name, { command, load }] of Object.entries(shells)) {
  const path = Bun.which(name);
  if (path === null) console.warn(`${name} is not installed, so its completion is not tested: apt-get install ${name}`);
  test.skipIf(path === null)(`${name} completes commands, flags and files`, async () => {
    const { exitCode, stdout, stderr } = await sandbox.snakepit(["--completions", name]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const script = sandbox.write(`completions.${name}`, stdout);
    await using terminal = new TestTerminal([path ?? "", ...command], {
      cwd: sandbox.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: sandbox.folder, PS1: "> " },
    });
    terminal.press(`${load(script)}\r`);
    await terminal.shows((lines) => lines.some((line) => line.trim() === "loaded"));
    for (const [typed, whole] of completed) {
      terminal.press(`${typed}\t`);
      await terminal.shows((lines) => lines.some((line) => line.trimEnd().endsWith(whole)));
      // Ctrl-U empties the line. Ctrl-C would take away what is typed after it too.
      terminal.press("\u0015");
    }
    expect(terminal.lines.join("\n")).not.toContain("not found");
  });
}
