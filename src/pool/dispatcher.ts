/**
 * The path of every call: to a worker or into the queue, through crashes and retries, to its end. Plain callbacks, no promise and no fiber a call.
 *
 * The workers come and go at the hands of the supervisor, by {@link Dispatcher.admit} and {@link Dispatcher.lose}.
 */
import { isSnakepitError, PoolClosed, QueueFull, QueueTimeout, type SnakepitError } from "../errors/index.ts";
import { Catalog } from "../tool/catalog.ts";
import type { Worker, WorkerEnd } from "../worker/worker.ts";
import { type CallOwner, PoolCall } from "./call.ts";
import { DeadlineScan } from "./deadlines.ts";
import { constants } from "./defaults.ts";
import { hostIsDying } from "./host-signals.ts";
import type { PoolSettings } from "./options.ts";
import { PooledWorker } from "./pooled-worker.ts";
import { PriorityQueue } from "./queue.ts";
import { blame, retryDelayMs } from "./retry.ts";
import { leastLoaded } from "./routing.ts";

/** What became of the calls of a pool so far. */
export interface CallCounts {
  /** Calls that were asked for. */
  calls: number;
  /** Calls that ended well. */
  succeeded: number;
  /** Calls that failed, those below included. */
  failed: number;
  /** Calls that were cancelled. */
  cancelled: number;
  /** Calls that ran out of time, in the queue or after it. */
  timedOut: number;
  /** How often a call was sent again. */
  retried: number;
}

/** Routes calls to workers. */
export class Dispatcher implements CallOwner {
  readonly settings: PoolSettings;
  /** The tools of the workers. */
  readonly catalog = new Catalog();
  /** Ready workers, those that take no more calls included until they are gone. */
  readonly workers: PooledWorker[] = [];
  readonly counts: CallCounts = { calls: 0, succeeded: 0, failed: 0, cancelled: 0, timedOut: 0, retried: 0 };
  /** Synchronous calls and the others wait in queues of their own: a worker that is full for the one may have room for the other. */
  readonly #threadQueue = new PriorityQueue<PoolCall>();
  readonly #sharedQueue = new PriorityQueue<PoolCall>();
  readonly #live = new DeadlineScan<PoolCall>((call, now) => this.#look(call, now));
  #closed = false;
  /** Why there is no worker and none will come soon. */
  #unhealthy: SnakepitError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(settings: PoolSettings) {
    this.settings = settings;
  }

  /** Calls that wait for a worker. */
  get queued(): number {
    return this.#threadQueue.size + this.#sharedQueue.size;
  }

  /** Calls that have not ended. */
  get live(): number {
    return this.#live.size;
  }

  /** Whether it takes no more calls. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes a call. Whatever becomes of it is told to the call. */
  submit(call: PoolCall): void {
    this.counts.calls++;
    if (this.#closed) this.#refuse(call);
    else if (!call.listen()) this.#end(call, call.cancelled());
    else {
      this.#live.add(call);
      this.#place(call);
    }
  }

  /** Takes a worker that is ready. */
  admit(worker: Worker): PooledWorker {
    const pooled = new PooledWorker(worker, this.settings, () => this.#drain());
    this.catalog.update(worker.connection.hello.tools);
    this.workers.push(pooled);
    this.#unhealthy = undefined;
    this.#drain();
    return pooled;
  }

  /** Takes back a worker that has ended, and decides what becomes of the calls that were with it. */
  lose(pooled: PooledWorker, end: WorkerEnd): void {
    pooled.retire();
    const alone = pooled.inFlight === 1 && pooled.cancelWatch.held === 0;
    pooled.cancelWatch.stop();
    const at = this.workers.indexOf(pooled);
    if (at >= 0) this.workers.splice(at, 1);
    for (const call of end.failed) if (call instanceof PoolCall && call.state === "sent") this.#lost(call, pooled, end, alone);
    if (this.#unhealthy !== undefined) this.despair(this.#unhealthy);
    this.#drain();
  }

  /** No worker will come soon: calls fail with this until one does. Not while another works, whose own place is filled again at once. */
  despair(error: SnakepitError): void {
    if (this.workers.some((pooled) => !pooled.draining)) return;
    this.#unhealthy = error;
    if (this.workers.length > 0) return;
    for (const call of this.#live.all()) if (call.state === "queued" || call.state === "resting") this.abandon(call, error);
  }

  /** Takes no more calls. Those that wait fail; those that run have until `graceMs` to end, then they fail too. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const call of this.#live.all()) if (call.state !== "sent") this.#refuse(call);
    if (this.#live.size > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        timer = setTimeout(resolve, this.settings.graceMs);
      });
      clearTimeout(timer);
    }
    for (const call of this.#live.all()) this.#refuse(call);
    this.#live.stop();
  }

  completed(call: PoolCall, ranUs: number, error: SnakepitError | undefined): void {
    const pooled = call.worker;
    const { weight } = call;
    if (ranUs > 0) call.entry.pace.add(ranUs);
    if (pooled !== undefined) {
      this.#takeBack(call, pooled);
      pooled.calls++;
      // The worker has answered that the time is up; the tool's code may not know yet.
      if (error?._tag === "CallTimeout") pooled.cancelWatch.add(weight !== "shared");
    }
    this.#finish(call, error);
    if (this.#threadQueue.size + this.#sharedQueue.size > 0) this.#drain();
  }

  abandon(call: PoolCall, error: SnakepitError): void {
    if (call.state === "done") return;
    this.#stop(call, error);
    call.fail(error);
    if (this.queued > 0) this.#drain();
  }

  /** The pool is closed, says this call. */
  #refuse(call: PoolCall): void {
    const error = new PoolClosed({ pool: this.settings.name });
    this.#stop(call, error);
    if (!hostIsDying()) call.fail(error);
  }

  /** Ends a call wherever it is; its code in Python is cancelled. */
  #stop(call: PoolCall, error: SnakepitError): void {
    const pooled = call.worker;
    if (call.state === "queued") {
      this.#queueOf(call).remove(call);
      if (call.alone) this.#unreserve();
    }
    if (call.state === "sent" && pooled !== undefined) {
      pooled.worker.connection.cancel(call);
      this.#takeBack(call, pooled);
      pooled.calls++;
      pooled.cancelWatch.add(call.weight !== "shared");
    }
    this.#finish(call, error);
  }

  /** To a worker when one is free and nobody waits before it, else into the queue. */
  #place(call: PoolCall): void {
    call.weight = weigh(call);
    const queue = this.#queueOf(call);
    if (queue.size === 0 && this.#send(call)) return;
    if (call.state === "done") return;
    if (this.#unhealthy !== undefined && this.workers.length === 0) this.#end(call, this.#unhealthy);
    else if (this.queued >= this.settings.queueSize) this.#end(call, new QueueFull({ pool: this.settings.name, size: this.queued }));
    else {
      call.state = "queued";
      call.until = performance.now() + this.settings.queueTimeoutMs;
      queue.push(call);
    }
  }

  /** Sends a call. False when no worker takes it; when it could not be sent at all it has ended, which counts as sent. */
  #send(call: PoolCall): boolean {
    for (;;) {
      const pooled = leastLoaded(this.workers, call.weight, call.alone);
      if (pooled === undefined) return false;
      pooled.take(call.weight, call.alone);
      // It may have found another worker than the one that was kept for it.
      if (call.alone) this.#unreserve();
      call.worker = pooled;
      call.state = "sent";
      try {
        pooled.worker.connection.start(call);
        call.attempts++;
        return true;
      } catch (error) {
        this.#takeBack(call, pooled);
        if (!isSnakepitError(error)) throw error;
        if (error._tag !== "ConnectionLost") {
          this.#end(call, error);
          return true;
        }
        // It never reached Python; the next worker gets it.
        pooled.retire();
      }
    }
  }

  /** Gives waiting calls to workers that have room. */
  #drain(): void {
    for (const queue of [this.#threadQueue, this.#sharedQueue]) {
      for (let call = queue.first; call !== undefined; call = queue.first) {
        // What was learnt about the tool while the call waited counts.
        call.weight = weigh(call);
        if (leastLoaded(this.workers, call.weight, call.alone) === undefined) {
          if (call.alone) this.#reserve();
          break;
        }
        queue.remove(call);
        if (!this.#send(call)) {
          call.state = "queued";
          queue.push(call);
          break;
        }
      }
    }
  }

  /** Keeps a worker for a call that has to run alone, which would wait for ever where calls come all the time. */
  #reserve(): void {
    if (this.workers.some((pooled) => pooled.reserved && !pooled.draining)) return;
    const pooled = leastLoaded(this.workers, "shared", false);
    if (pooled !== undefined) pooled.reserved = true;
  }

  /** Nobody waits any more for the worker that is kept. Another one that has to run alone has its worker kept when it is its turn. */
  #unreserve(): void {
    for (const pooled of this.workers) pooled.reserved = false;
  }

  /** The worker of this call has died. */
  #lost(call: PoolCall, pooled: PooledWorker, end: WorkerEnd, alone: boolean): void {
    this.#takeBack(call, pooled);
    if (!pooled.ignoredCancel) blame(call, alone);
    const delayMs = this.#closed ? undefined : retryDelayMs(call, this.settings);
    if (delayMs === undefined) {
      // One that only shared its worker with a tool that ignored its cancel did nothing wrong: the caller may send it again.
      const retryable = pooled.ignoredCancel || (call.entry.tool.idempotent && call.kills < constants.poisonous);
      this.#end(call, end.error(call.attempts, retryable));
      return;
    }
    this.counts.retried++;
    call.state = "resting";
    call.until = performance.now() + delayMs;
  }

  /** One look of the scan at one call. */
  #look(call: PoolCall, now: number): void {
    if (now >= call.deadline) {
      this.abandon(call, call.timedOut());
    } else if (now >= call.until) {
      if (call.state === "resting") this.#place(call);
      else if (call.state === "queued") {
        this.abandon(call, new QueueTimeout({ pool: this.settings.name, waitedMs: this.settings.queueTimeoutMs }));
      }
    }
  }

  #queueOf(call: PoolCall): PriorityQueue<PoolCall> {
    return call.weight === "shared" ? this.#sharedQueue : this.#threadQueue;
  }

  #takeBack(call: PoolCall, pooled: PooledWorker): void {
    pooled.give(call.weight, call.alone);
    call.worker = undefined;
  }

  #end(call: PoolCall, error: SnakepitError): void {
    this.#finish(call, error);
    call.fail(error);
  }

  #finish(call: PoolCall, error: SnakepitError | undefined): void {
    call.finish();
    this.#live.remove(call);
    if (error === undefined) this.counts.succeeded++;
    else {
      this.counts.failed++;
      if (error._tag === "Cancelled") this.counts.cancelled++;
      else if (error._tag === "CallTimeout" || error._tag === "QueueTimeout") this.counts.timedOut++;
    }
    if (this.#onIdle !== undefined && this.#live.size === 0) this.#onIdle();
  }
}

/** How a call would fill a worker now. */
function weigh(call: PoolCall): PoolCall["weight"] {
  const { tool, pace, takesStreams } = call.entry;
  if (tool.asynchronous || tool.streaming) return "shared";
  return pace.quick && !takesStreams ? "quick" : "slow";
}
