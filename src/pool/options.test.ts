import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isSnakepitError } from "../errors/index.ts";
import { checkCallOptions, type PoolsOptions, poolsSettings } from "./options.ts";

/** The message of the InvalidOptions that `run` throws. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isSnakepitError(error) && error._tag === "InvalidOptions") return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Options as a JavaScript program may write them. */
const wrong = (options: object): PoolsOptions => options;

test("an option that makes no sense is named, with what was expected", () => {
  expect(refusal(() => poolsSettings({ threads: 0 }))).toBe('Option "threads" must be a whole number from 1 to 256.');
  expect(refusal(() => poolsSettings(wrong({ retry: "sometimes" })))).toContain('"safe", "never" or "always"');
  expect(refusal(() => poolsSettings(wrong({ tools: 5 })))).toContain('Option "tools"');
  expect(refusal(() => poolsSettings({ timeoutMs: -1 }))).toContain('Option "timeoutMs"');
  expect(refusal(() => poolsSettings(wrong({ onLog: "stderr" })))).toContain("a function");
  expect(refusal(() => poolsSettings({ maxBufferBytes: 2 ** 32 }))).toContain("from 0 to 4294967295");
  expect(refusal(() => checkCallOptions({ priority: Number.NaN }))).toContain('Option "priority"');
});

test("an unknown option is refused, and the known ones are listed", () => {
  const message = refusal(() => poolsSettings(wrong({ worker: 2 })));
  expect(message).toContain('"worker"');
  expect(message).toContain("workers");
});

test("options of one pool of several are named with their pool, and take the rest from beside it", () => {
  expect(refusal(() => poolsSettings({ pools: { gpu: { workers: 1.5 } } }))).toContain('"pools.gpu.workers"');
  const { pools } = poolsSettings({ workers: 3, pools: { a: {}, b: { workers: 1 } } });
  expect(pools.map(({ name, workers: { min, max } }) => [name, min, max])).toEqual([
    ["a", 3, 3],
    ["b", 1, 1],
  ]);
});

test.each([
  [{ workers: 0 }, "workers"],
  [{ workers: { min: 2, max: 1 } }, "workers"],
  [{ workers: { min: 0, max: 0 } }, "workers"],
  [{ workers: { min: -1, max: 2 } }, "workers"],
  [{ workers: { max: 2 } }, "workers"],
  [{ workers: { min: 1 } }, "workers"],
  [{ workers: { min: 1, max: 2, most: 3 } }, "workers"],
  [{ workers: { min: 1, max: 2, idleMs: -1 } }, "workers"],
  [{ recycle: { calls: 0 } }, "recycle"],
  [{ recycle: { memory: 5 } }, "recycle"],
  [{ recycle: 5 }, "recycle"],
  [{ reload: "yes" }, "reload"],
  [{ heartbeat: { intervalMs: 0 } }, "heartbeat"],
  [{ heartbeat: { misses: 1.5 } }, "heartbeat"],
  [{ heartbeat: { often: 3 } }, "heartbeat"],
])("%j is refused by its name", (options, name) => {
  expect(refusal(() => poolsSettings(wrong(options)))).toStartWith(`Option "${name}" must be `);
});

test("how workers come and go has defaults", () => {
  const settings = (options: PoolsOptions) => poolsSettings(options).pools[0];
  expect(settings({ workers: { min: 0, max: 3, spare: undefined } })?.workers).toEqual({ min: 0, max: 3, spare: 0, idleMs: 60_000 });
  expect(settings({ workers: 2 })?.workers).toMatchObject({ min: 2, max: 2 });
  expect(settings({})).toMatchObject({ recycle: undefined, reload: false, heartbeat: { intervalMs: 2_000, misses: 3 } });
  expect(settings({ heartbeat: { misses: 1 } })?.heartbeat).toEqual({ intervalMs: 2_000, misses: 1 });
});

test("an adapter that lacks parts is refused by naming them", () => {
  expect(refusal(() => poolsSettings(wrong({ adapter: { name: "mine" } })))).toContain("streaming (a boolean), prepare (a function)");
});

test("files become absolute paths, modules stay names", () => {
  const tools = (source: PoolsOptions["tools"]) => poolsSettings({ tools: source }).pools[0]?.tools;
  expect(tools("./tools.py")).toEqual([resolve("tools.py")]);
  expect(tools("tools.py")).toEqual([resolve("tools.py")]);
  expect(tools(["snakepit.showcase", "/abs/a.py"])).toEqual(["snakepit.showcase", "/abs/a.py"]);
  expect(tools(pathToFileURL("/abs/b c.py"))).toEqual(["/abs/b c.py"]);
});
