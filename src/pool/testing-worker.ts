/** What the tests of a pool's inside share: workers without a process, which take calls in and answer when they are told to, and sessions. */
import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import type { Affinity } from "../api/sessions.ts";
import { type SnakepitError, WorkerCrashed } from "../errors/index.ts";
import { type HostEvent, WorkerHelloSchema } from "../gen/snakepit/v1/frame_pb.ts";
import type { Tool } from "../gen/snakepit/v1/tool_pb.ts";
import { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import type { CarriedCall, HostFunctions } from "../tool/call.ts";
import type { Worker, WorkerEnd } from "../worker/worker.ts";
import { type InSession, UnaryCall } from "./call.ts";
import type { CallSession } from "./call-session.ts";
import type { PoolClock } from "./clock.ts";
import { Dispatcher } from "./dispatcher.ts";
import { type CallOptions, type PoolOptions, poolsSettings } from "./options.ts";

/** A worker that only takes calls in. */
export class TestingWorker {
  readonly worker: Worker;
  /** The calls on it, in the order they came. */
  readonly calls: CarriedCall[] = [];
  readonly events: HostEvent[] = [];
  /** The sessions that it was asked to forget. */
  readonly forgotten: string[] = [];

  /** `onStart` is told of each call before it counts as there. */
  constructor(id: string, tools: readonly Partial<Tool>[], onStart: (call: CarriedCall) => void = () => {}) {
    const { calls, events, forgotten } = this;
    const transport = createRouterTransport(({ service }) =>
      service(WorkerService, {
        health: () => ({}),
        cleanupSession({ sessionId }) {
          forgotten.push(sessionId);
          return { success: true };
        },
      }),
    );
    const remove = (call: CarriedCall): void => {
      const at = calls.indexOf(call);
      if (at >= 0) calls.splice(at, 1);
    };
    this.worker = {
      id,
      pid: 0,
      startedBy: "spawn",
      connection: {
        hello: create(WorkerHelloSchema, { tools: tools.map(({ $typeName: _, ...tool }) => tool) }),
        transport,
        inFlight: 0,
        start(call) {
          onStart(call);
          calls.push(call);
        },
        cancel: remove,
        send: (event) => events.push(event),
        release() {},
        shutdown() {},
        close() {},
      },
      client: createClient(WorkerService, transport),
      readyAt: 0,
      lives: true,
      memoryBytes: async () => 0,
      ended: new Promise(() => {}),
      interrupt() {},
      hurry() {},
      kill() {},
      killStuck() {},
    };
  }

  /** Answers a call. */
  answer(call: CarriedCall, value: unknown = undefined): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    call.onResult(value, 0);
  }

  /** How it ends when it dies now. */
  get end(): WorkerEnd {
    const error = (attempts: number, retryable: boolean): SnakepitError =>
      new WorkerCrashed({ worker: this.worker.id, exitCode: 1, signal: null, oom: false, attempts, stderr: [] }, { retryable });
    return { failed: this.calls.splice(0), error };
  }
}

/** A dispatcher of one pool. */
export function testingDispatcher(
  options: PoolOptions = {},
  functions: HostFunctions = { add: () => 0, remove() {} },
  clock?: PoolClock,
): Dispatcher {
  const [settings] = poolsSettings({ tools: "tools.py", ...options }).pools;
  if (settings === undefined) throw new Error("there is one pool");
  return new Dispatcher(settings, functions, clock);
}

/** Makes a call; what becomes of it is told to `settle`. */
export function submit(
  dispatcher: Dispatcher,
  tool: string,
  settle: (outcome: unknown) => void,
  session?: InSession,
  options?: CallOptions,
  args: unknown = {},
): UnaryCall {
  const entry = dispatcher.catalog.find(tool, false);
  if (entry instanceof Error) throw entry;
  const call = new UnaryCall(dispatcher, entry, args, Number.POSITIVE_INFINITY, "never", options, settle, settle, session);
  dispatcher.submit(call);
  return call;
}

/** A session that writes down what it is told. */
export class TestingSession implements CallSession {
  readonly id: string;
  readonly affinity: Affinity;
  /** The workers that know it. */
  readonly known = new Set<string>();
  /** Every `initialize`: the worker, and where the session was. */
  readonly initialized: (readonly [worker: string, movedFrom: string])[] = [];
  readonly moves: (readonly [from: string, to: string])[] = [];

  constructor(id: string, affinity: Affinity) {
    this.id = id;
    this.affinity = affinity;
  }

  initialize({ id }: Worker, movedFrom: string): void {
    this.known.add(id);
    this.initialized.push([id, movedFrom]);
  }

  forget(workerId: string): void {
    this.known.delete(workerId);
  }

  moved(from: string, to: string): void {
    this.moves.push([from, to]);
  }
}
