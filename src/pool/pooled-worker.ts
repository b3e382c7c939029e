/** A ready worker as the dispatcher sees it: what it is doing, and whether it can take one more call. */
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Worker } from "../worker/worker.ts";
import { CancelWatch } from "./cancel-watch.ts";
import type { PoolClock } from "./clock.ts";
import { constants } from "./defaults.ts";
import type { PoolSettings } from "./options.ts";
import type { SessionRoute } from "./session-route.ts";

/**
 * How a call fills its worker.
 * - `slow`: a synchronous tool that is not known to be quick. It takes one thread until it has ended.
 * - `quick`: a synchronous tool known to run under a millisecond. Many are sent ahead to one worker.
 * - `batch`: a synchronous batch tool. As many are sent ahead as fill one batch that runs on each thread and one that collects.
 * - `shared`: an asynchronous tool. Many run together, beside whatever holds a thread.
 * - `stream`: a synchronous tool that streams. It gives its thread back between its items, but an item may take long.
 * - `nested`: a call of a host tool's for which the worker itself waits. It runs where that which waits has stopped, so it takes nothing.
 */
export type Weight = "slow" | "quick" | "batch" | "shared" | "stream" | "nested";

/** Whether a call of this weight keeps its thread until its code has ended. */
export function holdsThread(weight: Weight): boolean {
  return weight === "slow" || weight === "quick" || weight === "batch";
}

/** What a slow call counts in the load, against one for any other: no quick call goes behind it while another worker is free. */
const SLOW_LOAD = 64;
/** What a stream of a synchronous tool counts: one that waits for its next item keeps the thread, so an idle worker is better. */
const STREAM_LOAD = 32;

/** Who hears what a worker can do. */
export interface PooledWorkerEvents {
  /** It has room again without a call having ended. */
  onFree(): void;
  /** It takes no more calls. */
  onRetire(): void;
}

/** A ready worker with its calls. */
export class PooledWorker {
  readonly worker: Worker;
  /** Marker of its pit. */
  readonly run: string;
  readonly #settings: PoolSettings;
  readonly #telemetry: Telemetry;
  #slow = 0;
  #quick = 0;
  #batch = 0;
  #shared = 0;
  #streams = 0;
  #nested = 0;
  /** A call that may have killed a worker runs alone, so that it is known if it does so again. */
  #alone = false;
  /** It takes no more calls. */
  draining = false;
  /** It takes no more calls until the one that has to run alone has come. */
  reserved = false;
  /** Calls that ended on it. */
  calls = 0;
  /** Calls that were cancelled on it and may still run. */
  readonly cancelWatch: CancelWatch;
  /** The sessions that it knows. */
  readonly routes = new Set<SessionRoute>();
  /** Tells its supervisor that it takes no more calls. */
  readonly going: Promise<void>;
  /** Resolves when it takes no more calls and has none. */
  readonly drained: Promise<void>;
  /** A cancelled call on it did not end within the grace period, so it has to be killed. */
  ignoredCancel = false;
  readonly #onRetire: () => void;
  readonly #resolveGoing: () => void;
  readonly #resolveDrained: () => void;

  constructor(worker: Worker, settings: PoolSettings, run: string, clock: PoolClock, telemetry: Telemetry, events: PooledWorkerEvents) {
    this.worker = worker;
    this.run = run;
    this.#telemetry = telemetry;
    this.#settings = settings;
    this.#onRetire = () => events.onRetire();
    const going = Promise.withResolvers<void>();
    this.going = going.promise;
    this.#resolveGoing = going.resolve;
    const drained = Promise.withResolvers<void>();
    this.drained = drained.promise;
    this.#resolveDrained = drained.resolve;
    this.cancelWatch = new CancelWatch(worker, settings.graceMs, clock, {
      onFree: () => events.onFree(),
      onIgnored: () => {
        this.ignoredCancel = true;
        this.retire();
      },
    });
  }

  /** Name of its pool. */
  get pool(): string {
    return this.#settings.name;
  }

  /** Calls on it. */
  get inFlight(): number {
    return this.#slow + this.#quick + this.#batch + this.#shared + this.#streams + this.#nested;
  }

  /** Whether a synchronous call may have to wait for the next item of a stream. */
  get mayKeepWaiting(): boolean {
    return this.#streams > 0;
  }

  /** How loaded it is, for choosing the least loaded. */
  get load(): number {
    const held = (this.#slow + this.cancelWatch.held) * SLOW_LOAD + this.#streams * STREAM_LOAD;
    return held + this.#quick + this.#batch + this.#shared + this.#nested;
  }

  /** Whether one more call of this weight may be sent, of a tool with batches of this size. Nobody asks for a nested one, which always may. */
  accepts(weight: Weight, alone: boolean, batchSize: number): boolean {
    if (this.draining || this.#alone) return false;
    if (alone) return this.inFlight === 0 && this.cancelWatch.held === 0;
    if (this.reserved) return false;
    if (weight === "shared" || weight === "stream") return this.#shared + this.#streams < this.#settings.maxConcurrent;
    const { threads } = this.#settings;
    const held = this.#slow + this.cancelWatch.held;
    if (weight === "batch") return held < threads && this.#batch < batchSize * (threads + 1);
    // Batches take their calls one after another, so they hold a thread as long as there is one.
    if (held + (this.#batch > 0 ? 1 : 0) >= threads) return false;
    return weight === "slow" || this.#quick < constants.pipelined;
  }

  /** Counts a call that is sent. */
  take(weight: Weight, alone: boolean): void {
    this.#count(weight, 1);
    if (alone) this.#alone = true;
    if (this.#telemetry.active && this.inFlight === 1) this.#tell("worker.busy");
  }

  /** Counts a call that is over. */
  give(weight: Weight, alone: boolean): void {
    this.#count(weight, -1);
    if (alone) this.#alone = false;
    if (this.#telemetry.active && this.inFlight === 0) this.#tell("worker.idle");
    if (this.draining && this.inFlight === 0) this.#resolveDrained();
  }

  /** Takes no more calls from here on; its supervisor starts another one. */
  retire(): void {
    if (this.draining) return;
    this.draining = true;
    this.#resolveGoing();
    if (this.inFlight === 0) this.#resolveDrained();
    this.#onRetire();
  }

  #tell(type: "worker.busy" | "worker.idle"): void {
    this.#telemetry.say({ type, pool: this.pool, worker: this.worker.id });
  }

  #count(weight: Weight, by: 1 | -1): void {
    if (weight === "slow") this.#slow += by;
    else if (weight === "quick") this.#quick += by;
    else if (weight === "batch") this.#batch += by;
    else if (weight === "shared") this.#shared += by;
    else if (weight === "stream") this.#streams += by;
    else this.#nested += by;
  }
}
