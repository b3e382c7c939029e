/** A million calls leave nothing behind. */
import { Snakepit } from "../../src/index.ts";
import { bytesPerCall, type Sample, settledMemory } from "../memory.ts";
import { residentBytes } from "../processes.ts";
import { type Scenario, Violations } from "../scenario.ts";
import { many, python, tools } from "../support.ts";

const AT_ONCE = 32;
const SAMPLES = 30;
/** An object that is kept costs more than this. Heaps that are half empty move by a third of it. */
const FLAT_BYTES = 32;
/** What the control leaks with each call, on the side that leaks. */
const LEAK_BYTES = 256;

/** Makes calls and looks at both sides' memory between them. */
async function measure(pid: number, count: number, until: number, one: (n: number) => Promise<void>) {
  const host: Sample[] = [];
  const worker: Sample[] = [];
  let calls = 0;
  const step = Math.ceil(count / SAMPLES);
  while (calls < count && performance.now() < until) {
    calls += await many(Math.min(step, count - calls), AT_ONCE, until, one);
    host.push({ calls, bytes: await settledMemory() });
    worker.push({ calls, bytes: residentBytes(pid) });
  }
  return {
    calls,
    host: bytesPerCall(host),
    worker: bytesPerCall(worker),
    samples: host.length,
    workerBytes: worker.at(-1)?.bytes,
    hostBytes: host.at(-1)?.bytes,
  };
}

export const manyCalls: Scenario = {
  title: "a million calls leave no memory behind, neither in the host nor in the worker",
  share: 4,
  async run(chaos) {
    const count = chaos.quick ? 45_000 : 1_000_000;
    const controlCount = chaos.quick ? 15_000 : 200_000;
    const violations = new Violations();
    const pit = await Snakepit.open({ tools, python, workers: 1, onLog() {} });
    const pid = (await pit.workers())[0]?.pid ?? 0;
    const echo = async (): Promise<void> => {
      await pit.execute("echo", { value: "x" });
    };
    const whole = chaos.until - performance.now();
    const flat = await measure(pid, count, performance.now() + whole * 0.6, echo);
    chaos.progress(JSON.stringify(flat));
    const limit = chaos.quick ? FLAT_BYTES * 3 : FLAT_BYTES;
    violations.check(flat.host < limit, "the host grows", () => `by ${flat.host} bytes a call`);
    violations.check(flat.worker < limit, "the worker grows", () => `by ${flat.worker} bytes a call`);

    // The same measure must find a leak on either side.
    const keepers = await measure(pid, controlCount, performance.now() + whole * 0.2, async () => {
      await pit.execute("keep", { value: "x", size: LEAK_BYTES });
    });
    violations.check(keepers.worker >= limit, "a tool that leaks is not found", () => `${keepers.worker} bytes a call`);
    const kept: Uint8Array[] = [];
    const keeping = await measure(pid, controlCount, chaos.until, async () => {
      await echo();
      kept.push(new Uint8Array(LEAK_BYTES).fill(1));
    });
    violations.check(keeping.host >= limit, "a host that leaks is not found", () => `${keeping.host} bytes a call`);
    await pit.close();
    return {
      figures: { ...flat, flatBelow: limit, leak: LEAK_BYTES, leakingTool: keepers.worker, leakingHost: keeping.host, kept: kept.length },
      violations: violations.list,
      gaps: flat.calls < count ? [`only ${flat.calls} of ${count} calls fitted into the time`] : [],
    };
  },
};
