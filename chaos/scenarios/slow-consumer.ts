/** A stream that is read far more slowly than it is made. */
import { Snakepit } from "../../src/index.ts";
import { settledMemory } from "../memory.ts";
import { residentBytes } from "../processes.ts";
import { type Scenario, Violations } from "../scenario.ts";
import { pause, python, tools } from "../support.ts";

const WINDOW = 1 << 20;
const ITEM = 65_536;
const STREAM = 1 << 30;
/** How often the reader stops, and for how long: a producer that nobody holds back makes hundreds of megabytes in that time. */
const STOPS = 8;
const STOP_MS = 300;
/** Two windows, and the item that may go beyond one by the rules of credit. Counted in items, so nothing blurs it. */
const MOST_AHEAD = 2 * WINDOW + ITEM;
/**
 * Resident memory is blurred: items of 64 KiB come and go, and neither the allocators nor the collector give every page back at once. They kept
 * up to 5 MB where this was measured; a stream without credit would be at hundreds.
 */
const BLUR = 8 << 20;

interface Growth {
  readonly host: number;
  readonly worker: number;
  readonly ahead: number;
  readonly read: number;
}

/** Reads a stream with stops in between. `keep` is a reader that keeps what it reads, which must be found. */
async function read(pit: Snakepit, pid: number, items: number, until: number, keep: boolean): Promise<Growth> {
  const kept: unknown[] = [];
  const base = { host: await settledMemory(), worker: residentBytes(pid) };
  const most = { host: 0, worker: 0, ahead: 0 };
  let count = 0;
  const stopEvery = Math.max(1, Math.floor(items / STOPS));
  for await (const item of pit.executeStream<Uint8Array>("chunks", { size: ITEM, count: items }, { timeoutMs: 600_000 })) {
    count++;
    if (keep) kept.push(item);
    if (count % stopEvery !== 1) continue;
    if (performance.now() > until) break;
    await pause(STOP_MS);
    const made = await pit.execute<number>("made");
    most.ahead = Math.max(most.ahead, (made - count) * ITEM);
    most.host = Math.max(most.host, (await settledMemory()) - base.host);
    most.worker = Math.max(most.worker, residentBytes(pid) - base.worker);
  }
  return { ...most, read: count };
}

export const slowConsumer: Scenario = {
  title: "a slow reader of 1 GB holds its producer back: neither side grows by more than two windows",
  share: 2,
  async run(chaos) {
    const violations = new Violations();
    const items = (chaos.quick ? STREAM / 16 : STREAM) / ITEM;
    const pit = await Snakepit.open({ tools, python, workers: 1, onLog() {} });
    const pid = (await pit.workers())[0]?.pid ?? 0;
    // Once through, so that what both sides keep for themselves is there before it is measured.
    await read(pit, pid, 512, chaos.until, false);
    const growth = await read(pit, pid, items, chaos.until, false);
    chaos.progress(JSON.stringify(growth));
    violations.check(growth.ahead > 0, "the producer did not run ahead, so nothing was held back");
    violations.check(growth.ahead <= MOST_AHEAD, "the producer ran ahead by more than two windows", () => `${growth.ahead} bytes`);
    violations.check(growth.host <= 2 * WINDOW + BLUR, "the host grew", () => `${growth.host} bytes`);
    violations.check(growth.worker <= 2 * WINDOW + BLUR, "the worker grew", () => `${growth.worker} bytes`);
    const control = await read(pit, pid, 512, chaos.until, true);
    violations.check(
      control.host > 2 * WINDOW + BLUR,
      "a reader that keeps 32 MB is not found, so the measure measures nothing",
      () => `${control.host} bytes`,
    );
    await pit.close();
    return {
      figures: {
        bytesRead: growth.read * ITEM,
        window: WINDOW,
        mostAhead: growth.ahead,
        hostGrew: growth.host,
        workerGrew: growth.worker,
        allowed: 2 * WINDOW + BLUR,
        controlGrew: control.host,
      },
      violations: violations.list,
      gaps: growth.read < items ? [`only ${growth.read * ITEM} bytes of the stream fitted into the time`] : [],
    };
  },
};
