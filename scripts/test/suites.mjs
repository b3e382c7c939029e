/**
 * Every suite of the project. A check is one command that counts as one; a suite with `report` names the machine-readable file that its counts are
 * read from. Long ones stand first: suites start in this order, two at a time.
 */
const python = ".venv/bin/python";
const ruff = ".venv/bin/ruff";
const PYTHON_FILES = ["python", "examples", "bench", "chaos", "test", "scripts"];

// Long enough for a busy machine: what is slow is for the benchmarks to say, a test fails for what is wrong.
const BUN_TEST = ["bun", "test", "--timeout=60000", "--reporter=junit", "--reporter-outfile=REPORT"];
const PACKED = "test/packed.test.ts";
/** Groups of tests that take long enough to be suites of their own, by how their files begin. */
const PROCESSES = ["host-death", "containment", "fork-server", "registry"];
const DOORS = ["gateway", "interop", "client", "dashboard", "browser"];
const beginning = (names) => names.map((name) => `test/${name}`);
const others = [PACKED, ...["pool", "session", ...PROCESSES, ...DOORS].map((group) => `test/${group}*.test.ts`)].flatMap((path) => [
  "--path-ignore-patterns",
  path,
]);

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string[]} command run in the repository
 * @property {string} [report] name of the file it writes: JUnit XML or JSON with `passed` and `failed`. "REPORT" in the command stands for its path
 */

/** @type {Suite[]} */
export const suites = [
  { name: "typescript pools", command: [...BUN_TEST, "test/pool"], report: "pools.xml" },
  { name: "typescript tests", command: [...BUN_TEST, ...others, "./test"], report: "typescript.xml" },
  {
    name: "typescript processes",
    command: [...BUN_TEST, ...beginning(PROCESSES)],
    report: "processes.xml",
  },
  { name: "typescript doors", command: [...BUN_TEST, ...beginning(DOORS)], report: "doors.xml" },
  { name: "typescript sessions", command: [...BUN_TEST, "test/session"], report: "sessions.xml" },
  { name: "typescript units", command: [...BUN_TEST, "./src", "./chaos", "./scripts", "./bench"], report: "units.xml" },
  // The only one that may ask the registries, for what the set-up has not left in the caches of Bun and uv.
  { name: "as installed", command: [...BUN_TEST, `./${PACKED}`], report: "packed.xml" },
  {
    name: "python tests",
    command: [python, "-m", "pytest", "-c", "python/pyproject.toml", "--rootdir", "python", "python/tests", "--junitxml", "REPORT"],
    report: "python.xml",
  },
  { name: "examples", command: ["node", "scripts/examples.mjs", "--report", "REPORT"], report: "examples.json" },
  { name: "demo on bun", command: ["bun", "examples/demo/demo.ts"] },
  { name: "demo on node", command: ["node", "examples/demo/demo.ts"] },
  { name: "python types", command: ["pyright", "--project", "python", "--pythonpath", python] },
  { name: "package", command: ["node", "scripts/checks/package.mjs"] },
  { name: "typescript types", command: ["tsc", "--project", "."] },
  { name: "typescript style", command: ["biome", "check", "--error-on-warnings"] },
  { name: "layers", command: ["node", "scripts/checks/layers.mjs"] },
  { name: "generated code", command: ["node", "scripts/checks/generated.mjs"] },
  { name: "proto lint", command: ["buf", "lint"] },
  { name: "proto format", command: ["buf", "format", "--diff", "--exit-code"] },
  { name: "proto breaking", command: ["buf", "breaking", "--against", "proto/baseline.binpb"] },
  { name: "python lint", command: [ruff, "check", ...PYTHON_FILES] },
  { name: "python format", command: [ruff, "format", "--check", ...PYTHON_FILES] },
];
