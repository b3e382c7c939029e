/**
 * One round of what large data costs, on the runtime that runs this file: `arrays.ts PYTHON EFFORT_JSON`. Prints its figures as one line of JSON: 10 MB of bytes
 * there and back, and a numpy array of 80 MB in and its multiple out, each by shared memory and by the socket, beside one copy of the same array. All take
 * turns, so that what the machine does besides meets all of them.
 */
import { type Lease, Snakepit } from "snakepit";
import type { Effort, Figure } from "./measure.ts";
import { median } from "./statistics.ts";

const BYTES = 10_000_000;
const NUMBERS = 10_000_000;
/** Calls by which shared memory is there, and everything has been touched. */
const WARM_UP = 4;
const AT_MOST = 25;

/** Median milliseconds of each case, over rounds in which every case has its turn. */
async function inTurn(cases: Readonly<Record<string, () => unknown>>, rounds: number): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const start = performance.now();
      await run();
      if (round >= 0) times.get(name)?.push(performance.now() - start);
    }
  }
  return new Map([...times].map(([name, taken]) => [name, median(taken)]));
}

/** Every figure of large data. */
async function measure(python: string, { blobs }: Effort): Promise<Figure[]> {
  const tools = new URL("./systems/array_tools.py", import.meta.url);
  const pit = await Snakepit.open({ tools, workers: 1, python });
  const socket = await Snakepit.open({ tools, workers: 1, python, sharedMemoryBytes: 0 });
  const rounds = Math.max(1, Math.min(AT_MOST, blobs));
  const data = new Uint8Array(BYTES).fill(7);
  const echoes = await inTurn(
    {
      echo_10mb_mb_per_s_arrays: () => pit.execute("blob", { data }),
      echo_10mb_view_mb_per_s: async () => (await pit.execute<Lease<Uint8Array>>("look", { data }, { view: true })).release(),
      echo_10mb_socket_mb_per_s: () => socket.execute("blob", { data }),
    },
    rounds,
  );
  const x = new Float64Array(NUMBERS).fill(1.5);
  const copy = new Float64Array(NUMBERS);
  const args = { x, by: 2 };
  // The same array where the worker has it, and keeps it for as long as this is not released.
  let kept = await pit.execute<Lease<Float64Array>>("scale", args, { view: true });
  for (let call = 0; call < WARM_UP; call++) {
    kept.release();
    kept = await pit.execute<Lease<Float64Array>>("scale", args, { view: true });
  }
  const passed = { x: kept.value, by: 2 };
  const arrays = await inTurn(
    {
      memcpy_80mb_ms: () => copy.set(x),
      array_80mb_ms: async () => (await pit.execute<Lease<Float64Array>>("scale", args, { view: true })).release(),
      array_80mb_kept_ms: async () => (await pit.execute<Lease<Float64Array>>("scale", passed, { view: true })).release(),
      array_80mb_copy_ms: () => pit.execute("scale", args),
      array_80mb_socket_ms: () => socket.execute("scale", args),
    },
    Math.ceil(rounds / 2),
  );
  kept.release();
  await pit.close();
  await socket.close();
  return [
    ...Array.from(echoes, ([metric, ms]) => ({ metric, unit: "MB/s", value: BYTES / 1_000 / ms })),
    ...Array.from(arrays, ([metric, ms]) => ({ metric, unit: "ms", value: ms })),
  ];
}

const [python = "", effortJson = "{}"] = process.argv.slice(2);
console.log(JSON.stringify(await measure(python, JSON.parse(effortJson))));
