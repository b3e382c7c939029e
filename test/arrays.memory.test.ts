/** Large arrays in memory that worker and program share, through the public API, on the runtime that runs the tests. */
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Lease, type OpenOptions, Snakepit } from "../src/index.ts";
import { collect, failure, toolFile, until } from "./pool.support.ts";

const LENGTH = 50_000;
const pits: Snakepit[] = [];

afterEach(async () => {
  await Promise.all(pits.splice(0).map((pit) => pit.close()));
});

async function open(options: OpenOptions = {}): Promise<Snakepit> {
  const pit = await Snakepit.open({ tools: toolFile("memory"), workers: 1, ...options });
  pits.push(pit);
  return pit;
}

/** An array in which no other is, whatever its place. */
const numbers = (length: number, first = 1): Float64Array => Float64Array.from({ length }, (_, n) => first + n / 2);
const segmentOf = (pit: Snakepit, x: Float64Array): Promise<string> => pit.execute<string>("segment", { x });
const inMemory = async (pit: Snakepit, x = numbers(LENGTH)): Promise<boolean> => (await segmentOf(pit, x)) !== "";

/** Calls until arguments, or results, go by memory, which they do not before some has been made. */
const warmArguments = (pit: Snakepit, x = numbers(LENGTH)): Promise<void> => until(() => inMemory(pit, x));
async function view(pit: Snakepit, value = 1): Promise<Lease<Float64Array>> {
  return await pit.execute<Lease<Float64Array>>("filled", { length: LENGTH, value }, { view: true });
}
/** Whether an array lies in memory that is shared: then releasing its lease takes it away. */
function isView({ value }: Lease<Float64Array>): boolean {
  return value.buffer.byteLength > value.byteLength;
}
async function warmView(pit: Snakepit, value = 1): Promise<Lease<Float64Array>> {
  let found: Lease<Float64Array> | undefined;
  await until(async () => {
    const lease = await view(pit, value);
    if (!isView(lease)) return false;
    found = lease;
    return true;
  });
  if (found === undefined) throw new Error("no view came");
  return found;
}
/** Segments that this process has mapped. */
const mapped = (): number =>
  readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes("memfd:snakepit")).length;

describe("arguments", () => {
  test("lie in memory once there is some, and every call has them to itself", async () => {
    const pit = await open();
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    expect(await pit.execute<Float64Array>("negated", { x })).toEqual(x.map((n) => -n));
    expect(x).toEqual(numbers(LENGTH));
  });

  test("of every size around the threshold come back as they went", async () => {
    const pit = await open();
    await warmArguments(pit);
    for (const length of [0, 1, 2_047, 2_048, 32_767, 32_768, 32_769, 65_537, 300_001]) {
      const x = numbers(length);
      expect(await pit.execute("echo", { x })).toEqual(x);
    }
  });

  test("that are smaller than 256 KB together go over the socket", async () => {
    const pit = await open();
    await warmArguments(pit);
    expect(await inMemory(pit, numbers(32_700))).toBe(false);
    expect(await inMemory(pit, numbers(32_768))).toBe(true);
  });

  test("several in one call lie beside each other", async () => {
    const pit = await open();
    await warmArguments(pit);
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const x = { a: numbers(LENGTH / 2, 7), b: new Int16Array(20_001).fill(-3), c: numbers(3), bytes };
    expect(await pit.execute("echo", { x })).toEqual(x);
  });

  test("that a tool keeps are not written to by later calls", async () => {
    const pit = await open();
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    let kept = "";
    // The memory of the call before may not have come back yet.
    await until(async () => {
      await pit.execute("forget");
      kept = await pit.execute<string>("keep", { x });
      return kept !== "";
    });
    for (let n = 0; n < 5; n++) expect(await segmentOf(pit, numbers(LENGTH, 1_000 * n))).not.toBe(kept);
    expect(await pit.execute("kept")).toEqual([[1, 25_000.5]]);
    await pit.execute("forget");
    // What it had kept is used again.
    await until(async () => (await segmentOf(pit, x)) === kept);
  });

  test("go over the socket where their message is more than one frame, of which a part alone might be sent", async () => {
    const pit = await open();
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    const beside = (text: unknown): Promise<string> => pit.execute<string>("segment_beside", { x, text });
    expect(await beside("x".repeat(100_000))).not.toBe("");
    expect(await beside("x".repeat(300_000))).toBe("");
    expect(await beside(Array.from({ length: 40 }, () => new Float64Array(2_000)))).toBe("");
    expect(await inMemory(pit, x)).toBe(true);
  });

  test("of calls that are cancelled give their memory back", async () => {
    const pit = await open({ maxConcurrent: 1 });
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    for (let n = 0; n < 40; n++) {
      const call = pit.execute("total_later", { x }, { signal: AbortSignal.timeout(n % 5) });
      expect(await failure(call)).toMatchObject({ _tag: "Cancelled" });
    }
    await warmArguments(pit, x);
    expect(await pit.execute<number>("segments")).toBeLessThan(20);
  });

  test("that a process reads which the tool has forked off are not given back by it", async () => {
    const pit = await open();
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    const sum = x.reduce((a, b) => a + b);
    for (let n = 0; n < 3; n++) expect(await pit.execute<number>("in_child", { x })).toBe(sum);
    expect(await inMemory(pit, x)).toBe(true);
  });

  test("lie in memory whose size nobody can change", async () => {
    const pit = await open();
    const x = numbers(LENGTH);
    await warmArguments(pit, x);
    const attempts = await pit.execute<string[]>("sealed", { x });
    expect(new Set(attempts)).toEqual(new Set(["refused"]));
  });
});

describe("results", () => {
  test("are the program's own, however often their memory is used again", async () => {
    const pit = await open();
    (await warmView(pit)).release();
    const results: Float64Array[] = [];
    for (let value = 0; value < 10; value++) results.push(await pit.execute<Float64Array>("filled", { length: LENGTH, value }));
    for (const [value, result] of results.entries()) expect([result[0], result[LENGTH - 1], result.length]).toEqual([value, value, LENGTH]);
  });

  test("that a tool writes in place are not copied", async () => {
    const pit = await open();
    await until(async () => (await pit.execute<[Float64Array, string]>("in_place", { length: LENGTH, value: 1 }))[1] !== "");
    const [result] = await pit.execute<[Float64Array, string]>("in_place", { length: LENGTH, value: 5 });
    expect([result[0], result[LENGTH - 1], result.length]).toEqual([5, 5, LENGTH]);
  });

  test("that a tool keeps are not written over, and it can no longer write to them", async () => {
    const pit = await open();
    await until(async () => {
      const result = await pit.execute<Float64Array>("keep_result", { length: LENGTH, value: 7 });
      expect(result[0]).toBe(7);
      const written = await Promise.allSettled([pit.execute("write_to_kept")]);
      if (written[0].status === "fulfilled") {
        // It was an ordinary array.
        expect(written[0].value).toBe("");
        await pit.execute("forget");
        return false;
      }
      expect(written[0].reason).toMatchObject({ _tag: "ToolFailed", type: "ValueError" });
      return true;
    });
    for (let value = 0; value < 5; value++) await pit.execute("in_place", { length: LENGTH, value });
    expect(await pit.execute("kept")).toEqual([[7, 7]]);
  });

  test("that come as items are as they were when they were yielded", async () => {
    const pit = await open();
    (await warmView(pit)).release();
    const items = await collect(pit.executeStream<Float64Array>("slices", { length: LENGTH, count: 12 }));
    for (const [n, item] of items.entries()) expect([item[0], item[LENGTH - 1]]).toEqual([n, n]);
    expect(items).toHaveLength(12);
  });
});

describe("views", () => {
  test("are empty when their lease is released, and cannot be sent on by mistake", async () => {
    const pit = await open();
    const lease = await warmView(pit, 3);
    const { value } = lease;
    expect([value[0], value.length, lease.released]).toEqual([3, LENGTH, false]);
    lease.release();
    lease.release();
    expect([value[0], value.length, lease.released]).toEqual([undefined, 0, true]);
    expect(await failure(pit.execute("echo", { x: { deep: value } }))).toMatchObject({ _tag: "UnsupportedValue", path: "$.x.deep" });
  });

  test("may be sent to Python while they are there", async () => {
    const pit = await open();
    using lease = await warmView(pit, 4);
    expect(await pit.execute<Float64Array>("echo", { x: lease.value })).toEqual(new Float64Array(LENGTH).fill(4));
  });

  test("go back to their worker without a copy, for it to read, also when they are released before it has", async () => {
    const pit = await open();
    const view = await warmView(pit, 4);
    const place = await segmentOf(pit, view.value);
    expect(place).not.toBe("");
    expect(await segmentOf(pit, view.value.subarray(100))).toBe(place);
    expect(await failure(pit.execute("negated", { x: view.value }))).toMatchObject({ _tag: "ToolFailed", type: "ValueError" });
    const sent = pit.execute<Float64Array>("echo", { x: view.value });
    const queued = failure(pit.execute("echo", { x: view.value }));
    view.release();
    expect(await sent).toEqual(new Float64Array(LENGTH).fill(4));
    expect(await queued).toMatchObject({ _tag: "UnsupportedValue", path: "$.x" });
    expect(await pit.execute<Float64Array>("negated", { x: numbers(LENGTH) })).toEqual(numbers(LENGTH).map((n) => -n));
  });

  test("keep what they show while other calls run", async () => {
    const pit = await open();
    using lease = await warmView(pit, 8);
    for (let value = 0; value < 5; value++) (await view(pit, value)).release();
    expect([lease.value[0], lease.value[LENGTH - 1]]).toEqual([8, 8]);
  });

  test("of what is small, and of every result without shared memory, are leases too", async () => {
    const pit = await open({ sharedMemoryBytes: 0 });
    using small = await pit.execute<Lease<number>>("echo", { x: 5 }, { view: true });
    expect([small.value, small instanceof Lease]).toEqual([5, true]);
    const large = await view(pit, 2);
    large.release();
    expect([large.value.length, large.value[0]]).toEqual([LENGTH, 2]);
    expect(await inMemory(pit)).toBe(false);
  });

  test("stay readable when their worker has died, and are gone when they are released", async () => {
    const pit = await open();
    const lease = await warmView(pit, 6);
    process.kill(await pit.execute<number>("pid"), "SIGKILL");
    await until(async () => (await pit.execute<number>("segments", {}, { retry: "always" })) === 0);
    expect([lease.value[0], lease.value[LENGTH - 1]]).toEqual([6, 6]);
    const { value } = lease;
    lease.release();
    expect(value.length).toBe(0);
    expect(await inMemory(pit)).toBe(false);
    await pit.close();
    expect(mapped()).toBe(0);
  });

  test("that nobody releases take no more memory than they may, and results come all the same", async () => {
    const pit = await open({ sharedMemoryBytes: 4 * 1024 * 1024 });
    const leases: Lease<Float64Array>[] = [];
    for (let value = 0; value < 100; value++) leases.push(await view(pit, value));
    for (const [n, { value }] of leases.entries()) expect([value[0], value[LENGTH - 1]]).toEqual([n, n]);
    expect(leases.filter(isView).length).toBeWithin(1, 11);
    expect(await pit.execute<number>("segments")).toBeLessThan(11);
    for (const lease of leases) lease.release();
    (await warmView(pit)).release();
  });

  test("whose buffer the program has moved elsewhere keep their memory for themselves", async () => {
    const pit = await open();
    const lease = await warmView(pit, 9);
    const moved = new Float64Array(structuredClone(lease.value.buffer, { transfer: [lease.value.buffer] }), lease.value.byteOffset, LENGTH);
    lease.release();
    for (let value = 0; value < 5; value++) (await view(pit, value)).release();
    // Given back, so that there is nothing to see any more; but nobody else's numbers either.
    expect([moved[0], moved[LENGTH - 1]]).toEqual([0, 0]);
  });

  test("that are forgotten give their memory back when they are collected as garbage", async () => {
    const pit = await open({ sharedMemoryBytes: 1024 * 1024 });
    await (async () => {
      expect((await warmView(pit)).value.length).toBe(LENGTH);
    })();
    await until(async () => {
      Bun.gc(true);
      using lease = await view(pit, 2);
      return isView(lease);
    });
  });
});

describe("memory", () => {
  test("is gone from both sides when the pit is closed", async () => {
    const pit = await open();
    await warmArguments(pit);
    (await warmView(pit)).release();
    expect(mapped()).toBeGreaterThan(0);
    await pit.close();
    expect(mapped()).toBe(0);
  });

  test("that cannot be made leaves everything to the socket", async () => {
    const pit = await open();
    await pit.execute("limit_files", { size: 100_000 });
    for (let n = 0; n < 5; n++) expect(await pit.execute("echo", { x: numbers(LENGTH) })).toEqual(numbers(LENGTH));
    expect(await inMemory(pit)).toBe(false);
  });

  test("is each worker's own, also when they are forked off one server", async () => {
    const pit = await open({ workers: 2, preload: ["numpy"] });
    await pit.ready();
    const workers = await pit.workers();
    await until(async () => {
      const both = Promise.withResolvers<void>();
      const held = async function* () {
        await both.promise;
        yield 1;
      };
      const calls = workers.map(() => pit.execute("echo_after", { x: numbers(LENGTH), go: held() }));
      both.resolve();
      await Promise.all(calls);
      return workers.every(({ pid }) => memoryOf(pid).length > 0);
    });
    const inodes = workers.map(({ pid }) => memoryOf(pid));
    expect(new Set(inodes.flat()).size).toBe(inodes.flat().length);
  });
});

/** Inodes of the shared memory that a process has mapped. */
function memoryOf(pid: number): readonly string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  return lines.filter((line) => line.includes("memfd:snakepit")).map((line) => line.split(/\s+/)[4] ?? "");
}
