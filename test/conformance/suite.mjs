/** Brings the Connect conformance suite: its runner, built by Go, and the test files inside its module. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installOnce } from "../../scripts/setup/go.mjs";

const MODULE = "connectrpc.com/conformance";
/** Later versions do not install. */
const VERSION = "v1.0.5";

/**
 * Suites that the runner uses for one side only, against its own HTTP program on the other side. What they ask holds for any carrier, so they
 * run here in mode `both`, where the runner takes suites without a `mode:` line.
 */
const ONE_SIDED = ["client_cancellation", "server_message_size", "server_empty", "connect_client_code_to_http_code"];

/**
 * Installs the suite below `root`/.setup unless it is there.
 *
 * @param {string} root the repository
 * @returns {{ runner: string, testFiles: string[], proto: string }} paths of the runner, of the suites freed of their side, of the proto files
 */
export function installSuite(root) {
  const home = installOnce(root, { name: "conformance", module: MODULE, program: "cmd/connectconformance", version: VERSION }, takeFiles);
  return {
    runner: join(home, "connectconformance"),
    testFiles: ONE_SIDED.map((name) => join(home, "suites", `${name}.yaml`)),
    proto: join(home, "proto"),
  };
}

/** Takes what is needed of the module's files. */
function takeFiles(module, home) {
  mkdirSync(join(home, "suites"), { recursive: true });
  for (const name of ONE_SIDED) {
    const text = readFileSync(join(module, "internal", "app", "connectconformance", "testsuites", "data", `${name}.yaml`), "utf8");
    writeFileSync(join(home, "suites", `${name}.yaml`), text.replace(/^mode:.*\n/m, ""));
  }
  cpSync(join(module, "proto"), join(home, "proto"), { recursive: true });
  // Describes the test files, which nobody reads here.
  rmSync(join(home, "proto", "connectrpc", "conformance", "v1", "suite.proto"));
}
