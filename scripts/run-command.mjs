/** The commands behind the npm scripts. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setupOrExit } from "./setup/main.mjs";
import { root } from "./setup/stamps.mjs";
import { pathWithNode } from "./setup/steps.mjs";

const commands = {
  demo: (args) => (args[0] === "--node" ? ["node", "examples/demo/demo.ts", ...args.slice(1)] : ["bun", "examples/demo/demo.ts", ...args]),
  test: (args) => ["node", "scripts/test.mjs", ...args],
  bench: (args) => ["bun", "bench/run.ts", ...args],
  chaos: (args) => ["bun", "chaos/run.ts", ...args],
  conformance: (args) => ["node", "test/conformance/run.mjs", ...args],
  examples: (args) => ["node", "scripts/examples.mjs", ...args],
  generate: (args) => ["buf", "generate", ...args],
  format: (args) => ["biome", "check", "--write", ...args],
};

/** Runs one of them and ends this process as it ended. */
export async function runCommand(name, args) {
  const command = Object.hasOwn(commands, name) ? commands[name](args) : undefined;
  if (command === undefined) {
    console.error(`There is no command "${name}", only ${Object.keys(commands).join(", ")}.`);
    process.exit(1);
  }
  await setupOrExit({ quiet: true });
  const [file, ...rest] = command;
  // The registry of the user's own programs is none of the project's business.
  const env = { ...pathWithNode(), SNAKEPIT_STATE: join(root, ".setup", "state") };
  const child = spawn(file, rest, { cwd: root, env, stdio: "inherit" });
  // A terminal sends its signals to the child too; those sent to this process alone are passed on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal !== "SIGINT" && child.kill(signal));
  child.on("error", (error) => {
    console.error(`${file} could not be run: ${error.message}`);
    process.exit(1);
  });
  child.on("close", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
