/** Workers that are forked off a process which has imported for them: they behave as spawned ones do, and nothing of their server's is lost with it. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { kill } from "node:process";
import { Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { failure, Lines, processesOf, temporaryFolder, toolFile, until } from "./pool.support.ts";

const forked = toolFile("forked");

/** Field of what the kernel says of a process, counted after its name. */
const stat = (pid: number, field: number): number => {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[field]);
};
const parentOf = (pid: number): number => stat(pid, 1);
const groupOf = (pid: number): number => stat(pid, 2);

const open = (options: Parameters<typeof Snakepit.open>[0]) => Snakepit.open({ workers: 1, ...options });

describe("a forked worker", () => {
  test("leads a group of its own, has one parent with its siblings, and shares what was preloaded", async () => {
    await using pit = await open({ tools: forked, workers: 2, preload: ["decimal", "sqlite3"] });
    await pit.ready();
    const [one, two] = (await pit.workers()).map(({ pid }) => pid);
    const server = parentOf(one!);
    expect(server).not.toBe(process.pid);
    expect(parentOf(two!)).toBe(server);
    expect(parentOf(server)).toBe(process.pid);
    expect([one, two, server].map((pid) => groupOf(pid!))).toEqual([one!, two!, server]);
    expect(await pit.execute("modules")).toContain("sqlite3");
    // The server has no part of its tools.
    expect(readdirSync(`/proc/${server}/task`)).toHaveLength(1);
  });

  test("of preloaded tools imports nothing again", async () => {
    const lines = new Lines();
    await using pit = await open({ tools: forked, workers: 2, preload: "tools", onLog: lines.onLog });
    await pit.ready();
    expect(await pit.execute<number>("parent")).toBe(parentOf((await pit.workers())[0]!.pid));
    const imported = () => lines.events.filter(({ text }) => text.includes("imported"));
    await until(() => imported().length > 0);
    expect(imported()).toHaveLength(1);
  });

  test("runs asynchronous tools on a loop of its own, and tools on several threads", async () => {
    await using pit = await open({ tools: forked, threads: 2, preload: ["asyncio"] });
    const [loop, ...pids] = await Promise.all([pit.execute<string>("loop"), pit.execute("pid"), pit.execute("pid"), pit.execute("pid")]);
    expect(loop).toStartWith("uvloop");
    expect(new Set(pids).size).toBe(1);
  });

  test("says what C code writes under its own name", async () => {
    const lines = new Lines();
    await using pit = await open({ tools: forked, workers: 2, preload: ["json"], onLog: lines.onLog });
    await pit.ready();
    await Promise.all([pit.execute("speak", { text: "one" }), pit.execute("speak", { text: "one" })]);
    await lines.said("one on stdout", 2);
    await lines.said("one on stderr", 2);
    expect(lines.events.filter(({ text }) => text === "one on stderr").map(({ level }) => level)).toEqual(["warning", "warning"]);
    expect(lines.events.every(({ worker, text }) => !text.startsWith("one") || /^default-[12]$/.test(worker))).toBe(true);
  });

  test("has the environment of a spawned one, for C code too", async () => {
    await using pit = await open({ tools: forked, preload: ["json"], env: { SNAKEPIT_TEST_WORD: "wörd" } });
    expect(await pit.execute("variable", { name: "SNAKEPIT_TEST_WORD" })).toEqual(["wörd", "wörd"]);
    const first = await pit.execute<number>("pid");
    // What changes later reaches the next worker, although its server has started with something else.
    process.env["SNAKEPIT_TEST_LATE"] = "late";
    const home = process.env["HOME"];
    delete process.env["HOME"];
    try {
      await killWorker(pit);
      await until(async () => (await pit.execute<number>("pid")) !== first);
      expect(await pit.execute("variable", { name: "SNAKEPIT_TEST_LATE" })).toEqual(["late", "late"]);
      expect(await pit.execute("variable", { name: "HOME" })).toEqual([null, null]);
    } finally {
      delete process.env["SNAKEPIT_TEST_LATE"];
      if (home !== undefined) process.env["HOME"] = home;
    }
  });

  test("holds no descriptor of its server or of a sibling", async () => {
    await using pit = await open({ tools: forked, workers: 2, preload: ["json"] });
    await using alone = await open({ tools: forked });
    await pit.ready();
    const kinds = (open: Record<string, string>): string[] =>
      Object.values(open)
        .map((path) => path.replace(/\d+/g, "N"))
        .toSorted();
    const ours = kinds(await pit.execute("descriptors"));
    const spawned = kinds(await alone.execute("descriptors"));
    expect(ours).toEqual(spawned);
  });

  test("draws other random numbers than its siblings", async () => {
    await using pit = await open({ tools: forked, preload: "tools" });
    const [first, drawn] = [await pit.execute<number>("pid"), await pit.execute<number>("draw")];
    await killWorker(pit);
    await until(async () => (await pit.execute<number>("pid")) !== first);
    expect(await pit.execute<number>("draw")).not.toBe(drawn);
  });

  test("collects garbage, but not what its server has imported", async () => {
    await using pit = await open({ tools: forked, preload: "tools" });
    const [frozen, collects] = await pit.execute<[number, boolean]>("frozen");
    expect(frozen).toBeGreaterThan(10_000);
    expect(collects).toBe(true);
  });
});

describe("the end of a forked worker", () => {
  test("is told with its exit code or signal, and the next one has the same server", async () => {
    await using pit = await open({ tools: forked, preload: ["json"] });
    const server = await pit.execute<number>("parent");
    expect(await failure(pit.execute("leave", { code: 7 }))).toMatchObject({ _tag: "WorkerCrashed", exitCode: 7, signal: null });
    await pit.ready();
    const busy = failure(pit.execute("hold_lock"));
    await killWorker(pit);
    expect(await busy).toMatchObject({ _tag: "WorkerCrashed", exitCode: null, signal: "SIGKILL" });
    expect(await pit.execute<number>("parent")).toBe(server);
  });

  test("ends what it left in its group, and leaves no zombie", async () => {
    await using pit = await open({ tools: forked, preload: ["json"] });
    const run = (await pit.execute<[string]>("variable", { name: "SNAKEPIT_RUN" }))[0];
    const child = await pit.execute<number>("child");
    const server = await pit.execute<number>("parent");
    await until(() => processesOf(run).includes(child));
    await failure(pit.execute("leave", { code: 0 }));
    await until(() => !processesOf(run).includes(child));
    await pit.ready();
    const [worker] = await pit.workers();
    const children = readFileSync(`/proc/${server}/task/${server}/children`, "utf8").trim().split(" ").map(Number);
    expect(children).toContain(worker!.pid);
    // The other is forked ahead of the next order.
    expect(children.length).toBeLessThanOrEqual(2);
    for (const pid of children) expect(readFileSync(`/proc/${pid}/status`, "utf8")).not.toMatch(/^State:\s+Z/m);
  });

  test("by closing leaves neither a process nor a folder behind", async () => {
    const folder = temporaryFolder();
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = folder;
    try {
      const pit = await open({ tools: forked, workers: 2, preload: "tools" });
      await pit.ready();
      const run = (await pit.execute<[string]>("variable", { name: "SNAKEPIT_RUN" }))[0];
      // The server, two workers, and the process that is forked ahead of the next.
      await until(() => processesOf(run).length === 4);
      await pit.close();
      expect(processesOf(run)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });
});

describe("a fork server that is killed", () => {
  test("leaves its workers alive, and another one forks the next", async () => {
    await using pit = await open({ tools: forked, preload: ["json"] });
    const [server, worker] = [await pit.execute<number>("parent"), await pit.execute<number>("pid")];
    kill(server, "SIGKILL");
    await until(() => parentOf(worker) !== server);
    expect(await pit.execute<number>("pid")).toBe(worker);
    const child = await pit.execute<number>("child");
    const run = (await pit.execute<[string]>("variable", { name: "SNAKEPIT_RUN" }))[0];
    await until(() => processesOf(run).includes(child));
    // Nobody can ask for its exit code any more; its call is told all the same, and what it left is ended.
    expect(await failure(pit.execute("leave", { code: 7 }))).toMatchObject({ _tag: "WorkerCrashed", exitCode: null, signal: null });
    await until(() => !processesOf(run).includes(child));
    const next = await pit.execute<number>("parent");
    expect(next).not.toBe(server);
    expect(parentOf(next)).toBe(process.pid);
  });

  test("while it is asked to fork costs no call", async () => {
    await using pit = await open({ tools: forked, workers: 2, preload: ["json"] });
    await pit.ready();
    const server = await pit.execute<number>("parent");
    // It cannot answer an order, and is dead before it could.
    kill(server, "SIGSTOP");
    for (const { pid } of await pit.workers()) kill(-pid, "SIGKILL");
    const answer = pit.execute<number>("parent");
    kill(server, "SIGKILL");
    expect(await answer).not.toBe(server);
  });
});

describe("where forking is unsafe", () => {
  test("workers are spawned, and one line says why", async () => {
    const lines = new Lines();
    await using pit = await open({ tools: toolFile("threaded"), workers: 2, preload: "tools", onLog: lines.onLog });
    await pit.ready();
    expect(await pit.execute("one")).toBe(1);
    for (const { pid } of await pit.workers()) expect(parentOf(pid)).toBe(process.pid);
    const said = lines.events.map(({ text }) => text).filter((text) => text.includes("spawned"));
    expect(said).toEqual([expect.stringContaining('the Python thread "left behind"')]);
  });

  test("a preload that cannot be imported fails by its name", async () => {
    const error = await failure(open({ tools: forked, preload: ["json", "numpyy"] }));
    expect(error).toMatchObject({ _tag: "WorkerStartFailed", worker: "default-1", type: "", retryable: false });
    expect(error.message).toContain("preload: there is no module 'numpyy'");
    const broken = await failure(open({ tools: toolFile("broken_import"), preload: "tools" }));
    expect(broken).toMatchObject({ _tag: "WorkerStartFailed", type: "ModuleNotFoundError" });
    expect(broken.traceback).toContain("broken_import.py");
  });

  test("a preload that never ends fails in time", async () => {
    const folder = temporaryFolder();
    await Bun.write(`${folder}/endless.py`, "import time\nprint('begun')\ntime.sleep(600)\n");
    const error = await failure(open({ tools: `${folder}/endless.py`, preload: "tools", readyTimeoutMs: 300 }));
    expect(error.message).toContain("was not ready within 300 ms");
  });

  test("a preload that ends the process fails with its last words", async () => {
    const folder = temporaryFolder();
    await Bun.write(`${folder}/ends.py`, "import os\nos.write(2, b'enough\\n')\nos._exit(3)\n");
    const error = await failure(open({ tools: `${folder}/ends.py`, preload: "tools" }));
    expect(error).toMatchObject({ _tag: "WorkerStartFailed", stderr: ["enough"] });
    expect(error.message).toContain("exit code 3");
  });

  test("an option that is no preload is refused", async () => {
    for (const preload of ["numpy", [], ["a/b.py"], [1], true]) {
      // @ts-expect-error: what the compiler refuses, a JavaScript program may write.
      expect(await failure(open({ tools: forked, preload }))).toMatchObject({ _tag: "InvalidOptions", option: "preload" });
    }
  });
});
