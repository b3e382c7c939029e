/** A pool that rests after failures, as a program sees it. */
import { expect, test } from "bun:test";
import { Snakepit } from "../src/index.ts";
import { behaviour, failure, until } from "./pool.support.ts";

test("a breaker that opens fails calls at once, and a call that is answered later closes it", async () => {
  const breaker = { failures: 2, openMs: 1_000 };
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, breaker });
  await pit.ready();
  expect((await pit.health()).pools["default"]).toMatchObject({ breaker: "closed" });
  // What a tool raises is an answer.
  for (let i = 0; i < 3; i++) expect(await failure(pit.execute("fail", { message: "no" }))).toMatchObject({ _tag: "ToolFailed" });
  expect(await failure(pit.execute("die"))).toMatchObject({ _tag: "WorkerCrashed" });
  expect(await failure(pit.execute("nap", { seconds: 5 }, { timeoutMs: 50 }))).toMatchObject({ _tag: "CallTimeout" });
  const refused = await failure(pit.execute("square", { n: 2 }));
  expect(refused).toMatchObject({ _tag: "CircuitOpen", pool: "default", retryable: true });
  expect((await pit.health()).pools["default"]).toMatchObject({ status: "degraded", breaker: "open" });
  await until(async () => (await pit.health()).pools["default"]?.breaker === "half-open");
  expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  expect((await pit.health()).pools["default"]).toMatchObject({ breaker: "closed" });
});

test("a pool has no breaker unless it is asked for", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  for (let n = 0; n < 6; n++) {
    expect(await failure(pit.execute("die"))).toMatchObject({ _tag: "WorkerCrashed" });
    expect(await pit.execute<number>("square", { n })).toBe(n * n);
  }
  expect((await pit.health()).pools["default"]?.breaker).toBeUndefined();
});

test("options of a breaker and a budget that make no sense are refused by their names", async () => {
  for (const options of [
    { breaker: { failures: 0 } },
    { breaker: { openMs: -1 } },
    { breaker: { unknown: 1 } },
    { breaker: true },
    { retryBudget: { ratio: -1 } },
    { retryBudget: { burst: 0.5 } },
    { retryBudget: 3 },
  ]) {
    const [option] = Object.keys(options);
    // As JavaScript may call it.
    expect(await failure(Snakepit.open({ tools: behaviour, ...options } as object))).toMatchObject({ _tag: "InvalidOptions", option });
  }
});
