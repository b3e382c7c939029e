/**
 * `npm run setup`: makes a fresh clone ready to run, and does nothing when it is. Needs npm with Node 20 and Python 3.10, or later ones.
 * Only what an old Node can parse stands here, so that one gets a sentence instead of a syntax error.
 */
const major = Number(process.versions.node.split(".")[0]);
if (major < 20) {
  console.error(`setup: Node ${process.versions.node} is too old: install Node 20 or later, then run this again.`);
  process.exit(1);
}
import("./setup/main.mjs").then((main) => main.setupOrExit());
