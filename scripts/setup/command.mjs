/** Runs a command of a step, keeping what it prints for the case that it fails. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf, livingPid } from "./process-identity.mjs";
import { folder } from "./stamps.mjs";

const KEPT_LINES = 40;
const LOOK_EVERY_MS = 20;
const notes = join(folder, "commands");
/** Begins when it is told to, which is when its note is written; never if this process was killed before that. */
const GATED = 'read -r go && exec "$@" < /dev/null';
const running = new Set();

/** A command failed; what it printed says why, a stack says nothing. */
export class CommandFailed extends Error {}

/** Ends a command with everything that it started. */
function endGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Ends what still runs, for a set-up that is interrupted. */
export function endCommands() {
  for (const child of running) endGroup(child.pid, "SIGTERM");
}

/** Ends what a set-up that was killed left running, for it would go on writing where this one starts afresh. Only under the lock. */
export async function endLeftovers() {
  mkdirSync(notes, { recursive: true });
  for (const name of readdirSync(notes)) {
    const identity = readFileSync(join(notes, name), "utf8");
    for (let pid = livingPid(identity); pid !== undefined; pid = livingPid(identity)) {
      endGroup(pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    rmSync(join(notes, name), { force: true });
  }
}

/**
 * Resolves with what it printed. Only under the lock.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function command(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that it can be ended with all it started; Ctrl-C reaches it through `endCommands`.
    const child = spawn("/bin/sh", ["-c", GATED, "sh", file, ...args], { ...options, stdio: "pipe", detached: true });
    const note = join(notes, String(child.pid));
    if (child.pid !== undefined) writeFileSync(note, identityOf(child.pid));
    child.stdin.on("error", () => {}).end("go\n");
    let output = "";
    const keep = (text) => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    running.add(child);
    child.on("error", (error) => {
      running.delete(child);
      reject(new CommandFailed(`${file} could not be run: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      rmSync(note, { force: true });
      if (code === 0) return resolve(output);
      const tail = output.trimEnd().split("\n").slice(-KEPT_LINES).join("\n");
      reject(new CommandFailed(`${[file, ...args].join(" ")} ended with ${signal ?? `exit code ${code}`}:\n${tail}`));
    });
  });
}
