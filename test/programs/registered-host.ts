/**
 * Registers as a host, starts processes as its children in groups of their own, says their ids, and waits to be killed.
 *
 * Arguments: how many processes; then what each is to be: "leader" sleeps, "family" sleeps with a child in its group, "unknown" is killed by the program's
 * end before its id was written down.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { Effect } from "effect";
import { openRegistry } from "../../src/registry/registry.ts";

const kinds = process.argv.slice(2);
const run = randomUUID();

const admin = {
  workers: () => kinds.map((kind, index) => ({ id: `main-${index}`, pool: "main", status: kind })),
  stats: () => ({ calls: 2n ** 60n }),
  health: () => ({ status: "unhealthy", cause: new Error("no luck") }),
  sessions: () => [{ id: "user-42", usedAt: new Date(0) }],
  kill: (worker: string) => worker === "main-0",
  close: () => process.exit(),
};

const program = Effect.gen(function* () {
  const registry = yield* openRegistry();
  const host = yield* registry.host({ run, pools: ["main"], admin });
  const pids = kinds.map((kind, index) => {
    const id = `main-${index}`;
    const recorded = host.record({ id, pool: "main", kind: "worker" });
    const script = kind === "family" ? "sleep 600 & wait" : "exec sleep 600";
    const child = spawn("/bin/sh", ["-c", script], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, SNAKEPIT_RUN: run, SNAKEPIT_WORKER: id },
    });
    if (kind !== "unknown") recorded.started(child.pid ?? 0);
    return child.pid;
  });
  process.stdout.write(`${JSON.stringify({ run, pids })}\n`);
  return yield* Effect.never;
});

await Effect.runPromise(Effect.scoped(program));
