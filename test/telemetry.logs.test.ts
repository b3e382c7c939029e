/** Lines say which call they belong to, and can be had as JSON. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type PitEvent, Snakepit } from "../src/index.ts";
import { behaviour, Lines, until } from "./pool.support.ts";

test("a line has the number that the events of its call have, also when calls run together", async () => {
  const lines = new Lines();
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 1,
    onLog: lines.onLog,
    onEvent: (event) => events.push(event),
  });
  await Promise.all(["one", "two"].map((name) => pit.execute("log_async", { text: name })));
  await until(() => events.filter(({ type }) => type === "call.finished").length === 2);
  const calls = events.flatMap((event) => (event.type === "call.finished" ? [event.call] : []));
  const told = lines.events.filter(({ text }) => text === "one" || text === "two");
  expect(told.map(({ call }) => call).toSorted()).toEqual(calls.toSorted());
});

test("without listeners a line of a call has a number too, the same for all of its lines", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
  await pit.execute("log_async", { text: "first\nsecond" });
  await pit.execute("log_async", { text: "other" });
  await lines.said("other");
  const [first, second, other] = ["first", "second", "other"].map((text) => lines.events.find((event) => event.text === text)?.call);
  expect(first).toBeGreaterThan(0);
  expect(second).toBe(first);
  expect(other).not.toBe(first);
});

test("lines can be written as JSON, one object a line, without what says nothing", () => {
  const module = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const line = { pool: "p", worker: "p-1", tool: "t", session: "", call: 7, trace: "", level: "info", source: "stdout", text: 'a "b"\nc' };
  const program = `import { printLogJson } from ${JSON.stringify(module)}; printLogJson(${JSON.stringify(line)})`;
  const { stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  const { time, ...rest } = JSON.parse(stderr) as { time: string };
  expect(Number.isNaN(Date.parse(time))).toBe(false);
  expect(rest).toEqual({ pool: "p", worker: "p-1", tool: "t", call: 7, level: "info", source: "stdout", text: 'a "b"\nc' });
});
