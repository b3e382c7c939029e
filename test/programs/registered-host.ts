/**
 * Registers as a host, starts processes as its children in groups of their own, says their ids, and waits to be killed.
 *
 * Arguments: what each process is to be. "leader" sleeps, "family" sleeps with a child in its group, of "unknown" the
 * id is never written down, as when the host dies in between.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { Effect } from "effect";
import { ToolNotFound } from "../../src/errors/index.ts";
import type { AdminHandlers } from "../../src/registry/admin.ts";
import { openRegistry } from "../../src/registry/registry.ts";

const kinds = process.argv.slice(2);
const run = randomUUID();
const pids: number[] = [];

const admin: AdminHandlers = {
  workers: () =>
    pids.map((pid, index) => ({ id: `main-${index}`, pid, pool: "main", status: "ready", calls: 3, memoryBytes: 5e6, uptimeMs: 7_000 })),
  stats: () => ({ calls: 2n ** 60n }),
  health: () => ({ status: "unhealthy", cause: new ToolNotFound({ tool: "ad", nearest: ["add"] }) }),
  sessions: () => [{ id: "user-42", variables: 2, bytes: 11, handles: 1, usedAt: new Date(0), ttlMs: 60_000 }],
  kill: (worker) => {
    const pid = pids[Number(worker.replace("main-", ""))];
    return pid !== undefined && process.kill(-pid, "SIGKILL");
  },
  close: () => process.exit(),
};

const program = Effect.gen(function* () {
  const registry = yield* openRegistry();
  const host = yield* registry.host({ run, pools: ["main"], admin });
  for (const [index, kind] of kinds.entries()) {
    const id = `main-${index}`;
    const recorded = host.record({ id, pool: "main", kind: "worker" });
    const script = kind === "family" ? "sleep 600 & wait" : "exec sleep 600";
    const child = spawn("/bin/sh", ["-c", script], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, SNAKEPIT_RUN: run, SNAKEPIT_WORKER: id },
    });
    if (kind !== "unknown") recorded.started(child.pid ?? 0);
    pids.push(child.pid ?? 0);
  }
  process.stdout.write(`${JSON.stringify({ run, pids })}\n`);
  return yield* Effect.never;
});

await Effect.runPromise(Effect.scoped(program));
