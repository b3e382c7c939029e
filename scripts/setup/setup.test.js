/** The set-up as a user meets it, in an empty repository, with programs in the place of npx and Python that note what they were asked. */
import { afterAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { identityOf, livingPid } from "./process-identity.mjs";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const node = join(repository, "node_modules", ".bin", "node");
const temporary = mkdtempSync(join(tmpdir(), "snakepit-setup-test-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const NPX = `
echo npx >> "$LOG"
mkdir -p node_modules/.bin
for name in bun tsc tsdown; do echo > node_modules/.bin/$name; done
cat > node_modules/.bin/node <<'EOF'
#!/bin/sh
case "$1" in
*/tsdown) echo tsdown >> "$LOG"; mkdir -p dist && touch dist/index.mjs dist/index.d.mts ;;
scripts/dashboard.mjs) echo dashboard >> "$LOG"; touch dist/dashboard.html ;;
esac
EOF
chmod +x node_modules/.bin/node
`;
/** `$HANG` names a file: while it is there, an installation writes its pid into it and never ends. */
const PYTHON = `
case "$1 $2" in
"-c "*) echo "[[VERSION], \\"$0\\", true]" ;;
"-m venv")
  echo venv >> "$LOG"
  mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/bin/ruff .venv/bin/pytest ;;
"-m pip")
  if [ -e "$HANG" ]; then echo $$ > "$HANG"; exec sleep 600; fi
  echo pip >> "$LOG" ;;
esac
`;

/** An empty repository. `version` is that of its Python; none when undefined. */
function makeRepository(version) {
  const root = mkdtempSync(join(temporary, "repository-"));
  const bin = join(root, "bin");
  const log = join(root, "log");
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const program = (path, text) => {
    write(path, `#!/bin/sh\n${text}`);
    chmodSync(join(root, path), 0o755);
  };
  cpSync(join(repository, "scripts"), join(root, "scripts"), { recursive: true });
  write("package.json", JSON.stringify({ devDependencies: { bun: "1.0.0" } }));
  write("python/requirements/dev.txt", "one==1\n");
  write("src/gen/x.ts", "");
  write("python/src/snakepit/v1/x_pb2.py", "");
  write("log", "");
  program("bin/npx", NPX);
  if (version) program("bin/python3", PYTHON.replace("VERSION", version.replaceAll(".", ", ")));
  // Only what a shell script needs, so that no Python of this machine is found.
  for (const name of ["sh", "mkdir", "cp", "touch", "cat", "chmod", "sleep"]) program(`bin/${name}`, `exec ${Bun.which(name)} "$@"`);
  const env = { PATH: bin, LOG: log, HANG: join(root, "hang"), HOME: root };

  const start = (extra = {}) => {
    const child = spawn(node, ["scripts/setup.mjs"], { cwd: root, env: { ...env, ...extra }, stdio: ["ignore", "ignore", "pipe"] });
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      told += text;
    });
    return { child, ended: once(child, "close").then(([code, signal]) => ({ code, signal, told })) };
  };
  return {
    root,
    write,
    start,
    setup: (extra) => start(extra).ended,
    log: () => readFileSync(log, "utf8").trim().split("\n").filter(Boolean),
  };
}

const isThere = (pid) => livingPid(identityOf(pid)) !== undefined;

test("the first run does every step, the second none", async () => {
  const { setup, log } = makeRepository("3.12.1");
  expect(await setup()).toMatchObject({ code: 0, signal: null });
  expect(log().sort()).toEqual(["dashboard", "npx", "pip", "tsdown", "venv"]);
  expect(await setup()).toEqual({ code: 0, signal: null, told: "setup  ready      nothing to do\n" });
  expect(log().length).toBe(5);
});

test("a step is done again when what it depends on changes, or its result is gone", async () => {
  const { setup, log, write, root } = makeRepository("3.12.1");
  await setup();
  write("python/requirements/dev.txt", "one==2\n");
  await setup();
  expect(log().slice(5)).toEqual(["pip"]);
  write("src/x.ts", "export const x = 1;\n");
  await setup();
  expect(log().slice(6)).toEqual(["tsdown", "dashboard"]);
  rmSync(join(root, "dist"), { recursive: true });
  await setup();
  expect(log().slice(8)).toEqual(["tsdown", "dashboard"]);
});

test("two at once do everything once", async () => {
  const { setup, log } = makeRepository("3.12.1");
  const ended = await Promise.all([setup(), setup(), setup()]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(log().sort()).toEqual(["dashboard", "npx", "pip", "tsdown", "venv"]);
});

test.skipIf(process.platform !== "linux")("after being killed it starts from scratch, and ends what was left running", async () => {
  const { start, setup, log, root, write } = makeRepository("3.12.1");
  const hang = join(root, "hang");
  write("hang", "");
  const first = start();
  while (readFileSync(hang, "utf8").trim() === "") await Bun.sleep(5);
  const left = Number(readFileSync(hang, "utf8"));
  first.child.kill("SIGKILL");
  await first.ended;
  expect(isThere(left)).toBe(true);
  rmSync(hang);
  expect(await setup()).toMatchObject({ code: 0, told: expect.stringContaining("did not end last time") });
  expect(isThere(left)).toBe(false);
  expect(log().filter((line) => line === "venv").length).toBe(2);
  expect(await setup()).toMatchObject({ told: "setup  ready      nothing to do\n" });
});

test.each([
  ["without a Python", undefined, {}, /^setup: There is no Python, Snakepit needs 3\.10 or later: install it .*\.$/],
  ["with one that is too old", "3.9.18", {}, /^setup: Python 3\.9\.18 \(.*\) is too old, Snakepit needs 3\.10 or later: install it .*\.$/],
  [
    "with a SNAKEPIT_PYTHON that is none",
    "3.12.1",
    { SNAKEPIT_PYTHON: "/no/python" },
    /^setup: SNAKEPIT_PYTHON is "\/no\/python", which .*\.$/,
  ],
])("%s it says in one sentence what to do", async (_, version, extra, sentence) => {
  const { code, told } = await makeRepository(version).setup(extra);
  expect(code).toBe(1);
  expect(told.trim().split("\n").at(-1)).toMatch(sentence);
});
