/** A worker that exists only in virtual time: it runs calls for as long as chance says, ignores some cancels, and dies when its hour has come. */
import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Effect } from "effect";
import type { Connection, ConnectionOptions } from "../../carrier/carrier.ts";
import { ConnectionLost, type SnakepitError } from "../../errors/index.ts";
import { type WorkerHello, WorkerHelloSchema } from "../../gen/snakepit/v1/frame_pb.ts";
import type { Tool } from "../../gen/snakepit/v1/tool_pb.ts";
import { HealthResponseSchema } from "../../gen/snakepit/v1/worker_pb.ts";
import type { CarriedCall } from "../../tool/call.ts";
import type { Launch, ProcessExit, WorkerOrder, WorkerProcess } from "../../worker/launch.ts";
import type { Random } from "../random.ts";

/** Above every id that a system gives. */
const FIRST_PID = 2 ** 30;
const LONGEST_RUN_MS = 60;

/** What a worker tells the world it lives in. */
export interface World {
  readonly random: Random;
  readonly tools: readonly Tool[];
  /** How likely things are. */
  readonly odds: { readonly failedStart: number; readonly death: number; readonly stubborn: number };
  /** Something happened. */
  note(event: string): void;
  /** The rules were broken. */
  broken(rule: string): void;
  /** A call is with a worker now. */
  began(worker: string, call: CarriedCall): void;
}

interface Running {
  readonly call: CarriedCall;
  readonly thread: boolean;
  started: boolean;
}

/** Makes such workers. */
export function simulatedLaunch(world: World): Launch {
  const workers = new Map<string, SimulatedWorker>();
  let pid = FIRST_PID;
  return {
    spawn: (order) =>
      Effect.sync(() => {
        const worker = new SimulatedWorker(world, order, ++pid);
        workers.set(order.workerId, worker);
        return worker;
      }),
    connect: (order, options) =>
      Effect.callback<Connection, SnakepitError>((resume) => {
        const worker = workers.get(order.workerId);
        const timer = setTimeout(() => {
          if (worker !== undefined) resume(Effect.succeed(worker.meet(options)));
        }, world.random.whole(20));
        return Effect.sync(() => clearTimeout(timer));
      }),
  };
}

class SimulatedWorker implements WorkerProcess, Connection {
  readonly pid: number;
  readonly startedBy = "spawn";
  readonly exited: Promise<ProcessExit>;
  readonly hello: WorkerHello;
  readonly transport: Transport;
  readonly #world: World;
  readonly #order: WorkerOrder;
  readonly #calls = new Map<CarriedCall, Running>();
  /** Calls for threads, in the order they came. */
  readonly #waiting: Running[] = [];
  #busy = 0;
  #cancelled = 0;
  #ids = 0;
  #dead = false;
  #options: ConnectionOptions | undefined;
  readonly #exit: (exit: ProcessExit) => void;

  constructor(world: World, order: WorkerOrder, pid: number) {
    this.#world = world;
    this.#order = order;
    this.pid = pid;
    const { promise, resolve } = Promise.withResolvers<ProcessExit>();
    this.exited = promise;
    this.#exit = resolve;
    this.hello = create(WorkerHelloSchema, { workerId: order.workerId, tools: [...world.tools] });
    this.transport = this.#controlCalls();
    const { random, odds } = world;
    if (random.chance(odds.failedStart)) setTimeout(() => this.#die({ exitCode: 1, signal: null }), random.whole(20));
    else if (random.chance(odds.death)) setTimeout(() => this.#die({ exitCode: null, signal: "SIGKILL" }), 20 + random.whole(400));
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  meet(options: ConnectionOptions): Connection {
    this.#options = options;
    this.#world.note(`${this.#order.workerId} is ready`);
    return this;
  }

  writeStdin(): void {}

  kill(): void {
    this.#die({ exitCode: null, signal: "SIGKILL" });
  }

  memoryBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  start(call: CarriedCall): void {
    const { random } = this.#world;
    if (this.#dead) throw new ConnectionLost({ worker: this.#order.workerId, reason: "it is dead" });
    if (this.#calls.has(call)) this.#world.broken("a call was sent twice to one worker");
    call.wireId = ++this.#ids;
    const tool = this.#world.tools.find(({ name }) => name === call.tool);
    const running: Running = { call, thread: tool?.asynchronous !== true, started: false };
    this.#calls.set(call, running);
    this.#world.began(this.#order.workerId, call);
    if (running.thread) {
      this.#waiting.push(running);
      this.#next();
    } else setTimeout(() => this.#finish(running), random.whole(LONGEST_RUN_MS));
  }

  cancel(call: CarriedCall): void {
    const running = this.#calls.get(call);
    if (running === undefined) return;
    this.#calls.delete(call);
    call.wireId = 0;
    if (!running.started) {
      const at = this.#waiting.indexOf(running);
      if (at >= 0) this.#waiting.splice(at, 1);
      return;
    }
    // Its code notices soon, or only when it is killed.
    this.#cancelled++;
    const { random, odds } = this.#world;
    if (!random.chance(odds.stubborn)) setTimeout(() => this.#leave(), random.whole(10));
  }

  send(): void {}
  release(): void {}

  shutdown(): void {
    setTimeout(() => this.#die({ exitCode: 0, signal: null }), 1);
  }

  close(): void {
    this.#close("it was closed on this side");
  }

  #next(): void {
    while (this.#busy < this.#order.threads) {
      const running = this.#waiting.shift();
      if (running === undefined) return;
      this.#busy++;
      running.started = true;
      const quick = running.call.tool === "quick";
      setTimeout(() => this.#finish(running), quick ? 0.2 : this.#world.random.whole(LONGEST_RUN_MS));
    }
  }

  #finish(running: Running): void {
    const { call, thread } = running;
    // A cancelled one leaves its thread when it notices.
    if (this.#dead || this.#calls.get(call) !== running) return;
    this.#calls.delete(call);
    call.wireId = 0;
    if (thread) this.#busy--;
    call.onResult(call.args, call.tool === "quick" ? 200 : 20_000);
    this.#next();
  }

  #leave(): void {
    this.#cancelled--;
    this.#busy--;
    if (!this.#dead) this.#next();
  }

  #die(exit: ProcessExit): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#world.note(`${this.#order.workerId} dies of ${exit.signal ?? exit.exitCode}`);
    // The socket may close before the process is gone, or after.
    const socketFirst = this.#world.random.chance(0.5);
    if (socketFirst) this.#close("the other side closed it");
    setTimeout(() => {
      this.#exit(exit);
      this.#close("the other side closed it");
    }, 1);
  }

  #close(reason: string): void {
    const failed = [...this.#calls.keys()];
    this.#calls.clear();
    for (const call of failed) call.wireId = 0;
    const options = this.#options;
    this.#options = undefined;
    options?.events.onClose(new ConnectionLost({ worker: this.#order.workerId, reason }), failed);
  }

  /** Ping and Health, which are all that a pool asks. */
  #controlCalls(): Transport {
    return {
      unary: async (method, _signal, _timeoutMs, header) => {
        if (this.#dead) throw new ConnectionLost({ worker: this.#order.workerId, reason: "it is dead" });
        const message = method.name === "Health" ? create(HealthResponseSchema, { cancelled: this.#cancelled }) : {};
        // The method says which message it answers with.
        const answer = create(method.output, message as never);
        return { stream: false, service: method.parent, method, header: new Headers(header), trailer: new Headers(), message: answer };
      },
      stream: () => Promise.reject(new Error("nothing streams here")),
    };
  }
}
