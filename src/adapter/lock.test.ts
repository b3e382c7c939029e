import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Deferred, Effect, Fiber } from "effect";
import { startTime } from "../runtime/process-info.ts";
import { hold } from "./lock.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "snakepit-lock-"));
  path = join(folder, ".lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect);
const nobody = (): void => {
  throw new Error("it had to wait");
};

test("the lock is there while its scope is open", async () => {
  await run(Effect.scoped(hold(path, nobody).pipe(Effect.andThen(Effect.sync(() => expect(existsSync(path)).toBe(true))))));
  expect(existsSync(path)).toBe(false);
});

test("a second holder waits for the first, and is told for whom", async () => {
  const order: string[] = [];
  await run(
    Effect.gen(function* () {
      const held = yield* Deferred.make<void>();
      const waits = yield* Deferred.make<number>();
      const second = yield* Deferred.await(held).pipe(
        Effect.andThen(
          Effect.scoped(
            hold(path, (pid) => Deferred.doneUnsafe(waits, Effect.succeed(pid))).pipe(
              Effect.andThen(Effect.sync(() => order.push("second"))),
            ),
          ),
        ),
        Effect.forkChild,
      );
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* hold(path, nobody);
          yield* Deferred.succeed(held, undefined);
          expect(yield* Deferred.await(waits)).toBe(process.pid);
          order.push("first");
        }),
      );
      yield* Fiber.join(second);
    }),
  );
  expect(order).toEqual(["first", "second"]);
});

test("the lock of a process that ended is nobody's", async () => {
  const child = spawn("sleep", ["60"]);
  const pid = child.pid ?? 0;
  writeFileSync(path, JSON.stringify({ pid, startTime: await startTime(pid), host: hostname() }));
  const waiting = run(Effect.scoped(hold(path, () => child.kill("SIGKILL"))));
  await once(child, "exit");
  await waiting;
  expect(existsSync(path)).toBe(false);
});

test("the lock of a process whose pid belongs to another now is nobody's", async () => {
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: "1", host: hostname() }));
  await run(Effect.scoped(hold(path, nobody)));
});

test("the lock of another host is believed until it is old", async () => {
  writeFileSync(path, JSON.stringify({ pid: 1, startTime: "1", host: "elsewhere.example" }));
  let told = 0;
  await run(
    Effect.scoped(
      hold(path, (pid) => {
        told = pid;
        utimesSync(path, 0, 0);
      }),
    ),
  );
  expect(told).toBe(1);
});

test("a waiting process can be interrupted, and leaves the lock to its holder", async () => {
  const text = JSON.stringify({ pid: process.pid, startTime: await startTime(process.pid), host: hostname() });
  writeFileSync(path, text);
  await run(
    Effect.gen(function* () {
      const waits = yield* Deferred.make<void>();
      const fiber = yield* Effect.forkChild(Effect.scoped(hold(path, () => Deferred.doneUnsafe(waits, Effect.void))));
      yield* Deferred.await(waits);
      yield* Fiber.interrupt(fiber);
    }),
  );
  expect(existsSync(path)).toBe(true);
});

test("a folder that is not there fails with the system's error", async () => {
  const error = await run(Effect.scoped(hold(join(folder, "no", ".lock"), nobody)).pipe(Effect.flip));
  expect(error.code).toBe("ENOENT");
});
