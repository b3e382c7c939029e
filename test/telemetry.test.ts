/** What a pit tells of itself: whole stories, in order, of real workers. */
import { expect, test } from "bun:test";
import { type CallEvent, type PitEvent, Snakepit } from "../src/index.ts";
import { behaviour } from "./pool.support.ts";

const types = (events: readonly PitEvent[]): string[] => events.map(({ type }) => type);
const ofCalls = (events: readonly PitEvent[]): CallEvent[] => events.filter((event): event is CallEvent => event.type.startsWith("call."));

test("a call's story is told whole and in order, with where it was and how long it took", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onEvent: (event) => events.push(event) });
  await pit.execute("nap", { seconds: 0.02 });
  expect(types(events).filter((type) => !type.startsWith("worker.s") && type !== "worker.ready")).toEqual([
    "worker.busy",
    "call.started",
    "worker.idle",
    "call.finished",
  ]);
  const [started, finished] = ofCalls(events);
  expect(started).toMatchObject({
    type: "call.started",
    pool: "default",
    tool: "nap",
    session: "",
    worker: "default-1",
    attempt: 1,
    call: 1,
  });
  expect(finished).toMatchObject({
    type: "call.finished",
    call: 1,
    outcome: "succeeded",
    error: undefined,
    worker: "default-1",
    attempts: 1,
  });
  if (finished?.type !== "call.finished") throw new Error("it is not over");
  expect(finished.ranUs).toBeGreaterThanOrEqual(20_000);
  expect(finished.durationMs).toBeGreaterThanOrEqual(finished.ranUs / 1000);
  expect(finished.queuedMs).toBeLessThan(finished.durationMs - 19);
  expect(finished.time).toBeGreaterThanOrEqual(started?.time ?? Number.POSITIVE_INFINITY);
});

test("a call that waits says so, and how long it waited", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onEvent: (event) => events.push(event) });
  await Promise.all([pit.execute("nap", { seconds: 0.05 }), pit.execute("nap", { seconds: 0 })]);
  const second = ofCalls(events).filter(({ call }) => call === 2);
  expect(second).toMatchObject([{ type: "call.queued", waiting: 0 }, { type: "call.started" }, { type: "call.finished" }]);
  expect(second[1]).toHaveProperty("queuedMs", expect.any(Number));
  for (const event of second.slice(1)) if ("queuedMs" in event) expect(event.queuedMs).toBeGreaterThan(40);
});
