/** Sessions that wait for the same workers take turns. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Session, Snakepit } from "../src/index.ts";
import { temporaryFolder, toolFile, until } from "./pool.support.ts";

const MANY = 10_000;

for (const affinity of ["hint", "strict-queue"] as const) {
  test(`a session with ten thousand waiting calls holds up others by a call each (${affinity})`, async () => {
    const gates = temporaryFolder();
    await using pit = await Snakepit.open({
      tools: toolFile("gated"),
      workers: 1,
      env: { GATES: gates },
      queueSize: 2 * MANY,
      queueTimeoutMs: 60_000,
      timeoutMs: 60_000,
    });
    const running = pit.execute("quick", { gate: "running" });
    await using greedy = await pit.session("greedy", { affinity });
    await using modest = await pit.session("modest", { affinity });
    const order: string[] = [];
    const call = async (who: Snakepit | Session, name: string): Promise<void> => {
      // In Python, since one answer may leave behind others that came later.
      order[await who.execute<number>("turn")] = name;
    };
    const calls = Array.from({ length: MANY }, () => call(greedy, "greedy"));
    for (let i = 0; i < 3; i++) calls.push(call(modest, "modest"), call(pit, "program"));
    await until(() => pit.stats().queued === MANY + 6);
    writeFileSync(join(gates, "running"), "");
    await Promise.all([running, ...calls]);
    for (const round of [0, 3, 6]) expect(order.slice(round, round + 3).toSorted()).toEqual(["greedy", "modest", "program"]);
    expect(order).toHaveLength(MANY + 6);
  });
}
