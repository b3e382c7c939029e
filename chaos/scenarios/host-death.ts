/** The host is killed, again and again. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processesWith, signal } from "../processes.ts";
import { type Scenario, Violations } from "../scenario.ts";
import { orLate, spread, within } from "../support.ts";

const GONE_MS = 1_000;
const READY_MS = 30_000;
/** Hosts that are up at once. More would only wait for the two cores. */
const BATCH = 5;
/** The host, two workers, three children of theirs. */
const PROCESSES = 6;

interface Host {
  readonly child: ChildProcess;
  readonly marker: string;
  readonly ready: Promise<unknown>;
}

function startHost(doing: string, folder: string): Host {
  const run = randomUUID();
  const child = spawn(process.execPath, [fileURLToPath(new URL("../programs/host.ts", import.meta.url)), doing], {
    env: { ...process.env, CHAOS_HOST: run, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { child, marker: `CHAOS_HOST=${run}`, ready: once(child.stdout, "data") };
}

export const hostDeath: Scenario = {
  title: `the host is killed: nothing of it is left after ${GONE_MS / 1_000} s, whatever its workers do`,
  share: 4,
  async run(chaos) {
    const count = chaos.quick ? 4 : 50;
    const violations = new Violations();
    const times: number[] = [];
    let killed = 0;
    while (killed < count && performance.now() < chaos.until) {
      const folder = mkdtempSync(join(tmpdir(), "hosts-"));
      const size = Math.min(BATCH, count - killed);
      const hosts = Array.from({ length: size }, (_, n) => startHost((killed + n) % 2 === 0 ? "idle" : "computing", folder));
      await Promise.all(
        hosts.map(async ({ child, marker, ready }) => {
          if ((await orLate(ready, READY_MS)) === "late") violations.add("a host was not ready", `within ${READY_MS} ms`);
          let there = 0;
          // A process that is just being started has no environment for a moment.
          const complete = await within(1_000, () => {
            there = processesWith(marker).length;
            return there === PROCESSES;
          });
          violations.check(complete, "what was to be killed was not there", () => `${there} of ${PROCESSES} processes`);
          const since = performance.now();
          child.kill("SIGKILL");
          const gone = await within(GONE_MS, () => processesWith(marker).length === 0);
          if (gone) times.push(performance.now() - since);
          else {
            const left = processesWith(marker);
            violations.add(`processes were left after ${GONE_MS} ms`, `${left.length}`);
            for (const pid of left) signal(pid, "SIGKILL");
          }
        }),
      );
      killed += size;
      const files = readdirSync(folder);
      violations.check(files.length === 0, "files were left", () => files.slice(0, 3).join(", "));
      rmSync(folder, { recursive: true, force: true });
      if (killed % 10 === 0) chaos.progress(`${killed} hosts killed`);
    }
    return {
      figures: { killed, goneAfterMs: spread(times) },
      violations: violations.list,
      gaps: killed < count ? [`only ${killed} of ${count} hosts fitted into the time`] : [],
    };
  },
};
