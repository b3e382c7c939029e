import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { type SnakepitError, WorkerCrashed, WorkerStartFailed } from "../errors/index.ts";
import { WorkerHelloSchema } from "../gen/snakepit/v1/frame_pb.ts";
import { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import type { CarriedCall } from "../tool/call.ts";
import type { Worker } from "../worker/worker.ts";
import { UnaryCall } from "./call.ts";
import { Dispatcher } from "./dispatcher.ts";
import { poolsSettings } from "./options.ts";

/** A worker that only takes calls in. */
function idleWorker(id: string): { readonly worker: Worker; readonly calls: CarriedCall[] } {
  const calls: CarriedCall[] = [];
  const transport = createRouterTransport(() => {});
  const worker: Worker = {
    id,
    pid: 0,
    connection: {
      hello: create(WorkerHelloSchema, { tools: [{ name: "one", idempotent: true }] }),
      transport,
      inFlight: 0,
      start: (call) => calls.push(call),
      cancel() {},
      release() {},
      send() {},
      shutdown() {},
      close() {},
    },
    client: createClient(WorkerService, transport),
    readyAt: 0,
    memoryBytes: async () => 0,
    ended: new Promise(() => {}),
    interrupt() {},
    hurry() {},
    kill() {},
  };
  return { worker, calls };
}

const crash = (attempts: number, retryable: boolean): SnakepitError =>
  new WorkerCrashed({ worker: "first", exitCode: 1, signal: null, oom: false, attempts, stderr: [] }, { retryable });

function dispatcherOfOne(): Dispatcher {
  const [settings] = poolsSettings({ tools: "tools.py", retryBackoffMs: 1 }).pools;
  if (settings === undefined) throw new Error("there is one pool");
  return new Dispatcher(settings, { add: () => 0, remove() {} });
}

test("a place that cannot be filled while another has its worker does not fail the calls that come back when that one dies", async () => {
  const dispatcher = dispatcherOfOne();
  const first = idleWorker("first");
  const pooled = dispatcher.admit(first.worker);
  dispatcher.despair(new WorkerStartFailed({ worker: "second", reason: "no luck", type: "", traceback: "", stderr: [] }));
  const entry = dispatcher.catalog.find("one", false);
  if (entry instanceof Error) throw entry;
  const result = new Promise((resolve, reject) => {
    dispatcher.submit(new UnaryCall(dispatcher, entry, {}, 30_000, "safe", undefined, resolve, reject));
  });
  dispatcher.lose(pooled, { failed: first.calls, error: crash });
  const replacement = idleWorker("third");
  replacement.worker.connection.start = (call) => call.onResult("answered", 0);
  dispatcher.admit(replacement.worker);
  expect(await result).toBe("answered");
  await dispatcher.close();
});
