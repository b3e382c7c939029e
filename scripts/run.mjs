/**
 * `node scripts/run.mjs NAME [ARGUMENTS]`: what the npm scripts call. Does the set-up that is missing, then runs the command with Node 24, Bun and Deno of
 * node_modules first in the path.
 *
 * Only what an old Node can parse stands here before the set-up has looked at its version.
 */
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  console.error(`setup: Node ${process.versions.node} is too old: install Node 20 or later, then run this again.`);
  process.exit(1);
}
import("./run-command.mjs").then((run) => run.runCommand(process.argv[2], process.argv.slice(3)));
