/**
 * Python learns to read handwritten digits, TypeScript watches; then two workers read the digits that training did not see, one of them is killed in the
 * middle, and every answer still arrives. Ends with exit code 1 when anything of that is not so.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type NdArray, Snakepit, type WorkerInfo } from "snakepit";
import { drawDigits } from "./draw.ts";
import { type Epoch, showEpochs } from "./epochs.ts";
import { processesLeft } from "./left-behind.ts";

const EPOCHS = 30;
const PASSES = 5;
const AT_ONCE = 32;
const ENOUGH = 0.95;
const REPLACED_WITHIN_MS = 15_000;

const check = (holds: boolean, what: string): void => {
  console.log(`${holds ? "  ok     " : "  FAILED "}${what}`);
  if (!holds) process.exitCode = 1;
};
const percentile = (sorted: readonly number[], share: number): string =>
  `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2)} ms`;

/** The workers, once each of them is ready. */
async function wholeAgain(pool: Snakepit): Promise<WorkerInfo[]> {
  for (const since = performance.now(); performance.now() - since < REPLACED_WITHIN_MS; await setTimeout(50)) {
    const workers = await pool.workers();
    if (workers.every(({ status }) => status === "ready")) return workers;
  }
  return [];
}

const folder = mkdtempSync(join(tmpdir(), "snakepit-demo-"));
const model = join(folder, "model.pickle");
const seen = new Set<number>();
const pit = await Snakepit.open({
  tools: new URL("./tools.py", import.meta.url),
  workers: 2,
  retryBackoffMs: 20,
  env: { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
});
try {
  await pit.ready();
  const workers = await pit.workers();
  for (const { pid } of workers) seen.add(pid);
  console.log(`Two Python workers are ready (pids ${workers.map(({ pid }) => pid).join(" and ")}).\n\nOne trains a network:`);
  await showEpochs(pit.executeStream<Epoch>("train", { epochs: EPOCHS, model }), EPOCHS);

  const { images, labels } = await pit.execute<{ images: NdArray; labels: Uint8Array }>("held_out", {});
  if (!(images.data instanceof Float64Array)) throw new Error("the images are no Float64Array");
  const pixels = images.data;
  const image = (n: number): Float64Array => pixels.slice(n * 64, (n + 1) * 64);
  const total = labels.length * PASSES;
  const victim = workers[1];
  if (victim === undefined) throw new Error("there is no second worker");

  console.log(`\nBoth read ${labels.length} digits that it never saw, ${PASSES} times, ${AT_ONCE} calls at once:`);
  const answers: (number | undefined)[] = new Array(total).fill(undefined);
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const reader = async (): Promise<void> => {
    for (let n = next++; n < total; n = next++) {
      const since = performance.now();
      answers[n] = await pit.execute<number>("classify", { model, image: image(n % labels.length) });
      times.push(performance.now() - since);
      if (times.length === Math.floor(total / 2)) {
        process.kill(victim.pid, "SIGKILL");
        console.log(`  ${times.length} of ${total} answers are in: SIGKILL to worker ${victim.pid}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  const seconds = (performance.now() - began) / 1_000;
  console.log(`  ${times.length} of ${total} answers are in: done\n`);

  const right = answers.filter((answer, n) => answer === labels[n % labels.length]).length;
  const wrong = Array.from(labels.keys()).filter((n) => answers[n] !== labels[n]);
  const shown = [0, 1, 2, ...wrong.slice(0, 2)];
  console.log(
    drawDigits(shown.map((n) => ({ image: image(n), caption: `${answers[n]}${answers[n] === labels[n] ? "" : ` (is ${labels[n]})`}` }))),
  );

  times.sort((a, b) => a - b);
  const speed = `${Math.round(total / seconds)} calls/s, p50 ${percentile(times, 0.5)}, p99 ${percentile(times, 0.99)}, slowest ${percentile(times, 1)}`;
  console.log(`\n  accuracy ${((right / total) * 100).toFixed(1)} %\n  ${speed}\n`);
  check(right / total >= ENOUGH, `at least ${ENOUGH * 100} % of the answers are right`);
  check(
    answers.every((answer) => answer !== undefined),
    `every one of ${total} calls was answered, though a worker died among them`,
  );
  check(pit.stats().crashes === 1, "one worker was lost");
  const after = await wholeAgain(pit);
  for (const { pid } of after) seen.add(pid);
  check(after.length === 2 && after.every(({ pid }) => pid !== victim.pid), "another took its place without being asked");
} finally {
  await pit.close();
  rmSync(folder, { recursive: true, force: true });
}
const left = processesLeft(seen);
check(left.length === 0, left.length === 0 ? `none of the ${seen.size} workers is left` : `these processes are left: ${left.join(" ")}`);
check(!existsSync(folder), "no file is left");
