#!/usr/bin/env node
/**
 * The command `snakepit`. Looks at the version of the runtime before anything is loaded that an older one could not read.
 */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`snakepit needs Node 22.19 or later, and this is Node ${process.versions.node}: install a newer one, or use Bun or Deno.`);
  process.exitCode = 3;
} else {
  void import("./program.ts").then((program) => program.main(process.argv.slice(2)));
}

export {};
