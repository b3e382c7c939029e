/** Brings the Connect conformance suite: its runner, built by Go, and the test files inside its module. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MODULE = "connectrpc.com/conformance";
/** Pinned: later versions do not install. */
const VERSION = "v1.0.5";

/**
 * Suites that the runner uses for one side only, against its own HTTP program on the other side. What they ask holds for any carrier, so they
 * run here in mode `both`, where the runner takes suites without a `mode:` line.
 */
const ONE_SIDED = ["client_cancellation", "server_message_size", "server_empty", "connect_client_code_to_http_code"];

/** Thrown when there is no `go` on the path. */
export class GoMissing extends Error {
  constructor() {
    super(`The conformance suite is a Go program and there is no "go" on the PATH: install Go 1.24 or later, then run it again.`);
  }
}

/**
 * Installs the suite below `root`/.setup unless it is there. Go's caches go there too while it builds, and are removed after it: the user's
 * home is neither needed nor touched.
 *
 * @param {string} root the repository
 * @returns {{ runner: string, testFiles: string[], proto: string }} paths of the runner, of the suites freed of their side, of the proto files
 */
export function installSuite(root) {
  const home = join(root, ".setup", `conformance-${VERSION}`);
  const suite = {
    runner: join(home, "connectconformance"),
    testFiles: ONE_SIDED.map((name) => join(home, "suites", `${name}.yaml`)),
    proto: join(home, "proto"),
  };
  if (existsSync(home)) return suite;

  if (spawnSync("go", ["version"]).error) throw new GoMissing();
  console.log(`setting up: the Connect conformance suite ${VERSION} (built by Go, about a minute)`);
  const building = `${home}.building-${process.pid}`;
  try {
    build(building);
    renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return suite;
}

/** Installs into a folder of its own, which gets its name when it is whole. */
function build(home) {
  const go = join(home, "go");
  mkdirSync(join(home, "suites"), { recursive: true });
  const env = {
    ...process.env,
    GOPATH: go,
    GOMODCACHE: join(go, "mod"),
    GOCACHE: join(go, "cache"),
    GOBIN: home,
    GOFLAGS: "-modcacherw",
  };
  const install = spawnSync("go", ["install", `${MODULE}/cmd/connectconformance@${VERSION}`], { env, encoding: "utf8" });
  if (install.status !== 0) throw new Error(`go install ${MODULE}@${VERSION} failed:\n${install.stderr}`);
  const module = join(go, "mod", `${MODULE}@${VERSION}`);
  for (const name of ONE_SIDED) {
    const text = readFileSync(join(module, "internal", "app", "connectconformance", "testsuites", "data", `${name}.yaml`), "utf8");
    writeFileSync(join(home, "suites", `${name}.yaml`), text.replace(/^mode:.*\n/m, ""));
  }
  cpSync(join(module, "proto"), join(home, "proto"), { recursive: true });
  // Describes the test files, which nobody reads here.
  rmSync(join(home, "proto", "connectrpc", "conformance", "v1", "suite.proto"));
  rmSync(go, { recursive: true, force: true });
}
