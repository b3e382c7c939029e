/** Runs a command of a step, keeping what it prints for the case that it fails. */
import { spawn } from "node:child_process";

const KEPT_LINES = 40;
const running = new Set();

/** Ends what still runs. For a set-up that is interrupted by a signal sent to it alone. */
export function endCommands() {
  for (const child of running) child.kill("SIGTERM");
}

/**
 * Resolves with what it printed.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function command(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (text) => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    running.add(child);
    child.on("error", (error) => {
      running.delete(child);
      reject(error);
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve(output);
      const tail = output.trimEnd().split("\n").slice(-KEPT_LINES).join("\n");
      reject(new Error(`${[file, ...args].join(" ")} ended with ${signal ?? `exit code ${code}`}:\n${tail}`));
    });
  });
}
