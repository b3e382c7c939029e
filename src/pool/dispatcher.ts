/**
 * The path of every call: to a worker or into the queue, through crashes and retries, to its end. Plain callbacks, no promise and no fiber a call.
 *
 * The workers come and go at the hands of the supervisor, by {@link Dispatcher.admit} and {@link Dispatcher.lose}.
 */
import { CircuitOpen, isSnakepitError, PoolClosed, QueueFull, QueueTimeout, SessionClosed, type SnakepitError } from "../errors/index.ts";
import { CallStory } from "../telemetry/call-story.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import type { HostFunctions } from "../tool/call.ts";
import { Catalog } from "../tool/catalog.ts";
import type { HostCall } from "../tool/host-call.ts";
import type { Worker, WorkerEnd } from "../worker/worker.ts";
import { BatchRoutes } from "./batch-routes.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import { type CallOwner, PoolCall, UnaryCall } from "./call.ts";
import { type PoolClock, realClock } from "./clock.ts";
import { DeadlineScan } from "./deadlines.ts";
import { constants } from "./defaults.ts";
import { Hedge, type HedgeOwner } from "./hedge.ts";
import { Hedges } from "./hedges.ts";
import { hostIsDying } from "./host-signals.ts";
import type { PoolSettings } from "./options.ts";
import { holdsThread, PooledWorker } from "./pooled-worker.ts";
import { blame, retryDelayMs } from "./retry.ts";
import { RetryBudget } from "./retry-budget.ts";
import { leastLoaded, route, routeNested, waitingWorker, waitsFor } from "./routing.ts";
import type { RouteOwner, SessionRoute } from "./session-route.ts";
import { isImpatient, WaitingCalls } from "./waiting.ts";
import { weigh } from "./weigh.ts";

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
  /** How often a call was sent to a second worker because the first was slow to answer. */
  hedged: number;
  /** Calls of sessions that went to the worker that has the session. The first call of a session is neither a hit nor a miss. */
  affinityHits: number;
  /** Calls of sessions that went to another worker or failed, because that one was busy or gone. */
  affinityMisses: number;
}

/** Routes calls to workers. */
export class Dispatcher implements CallOwner, RouteOwner, HedgeOwner {
  readonly settings: PoolSettings;
  readonly functions: HostFunctions;
  readonly clock: PoolClock;
  readonly telemetry: Telemetry;
  /** The tools of the workers. */
  readonly catalog = new Catalog();
  /** Ready workers, those that take no more calls included until they are gone. */
  readonly workers: PooledWorker[] = [];
  readonly counts: CallCounts = {
    calls: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    timedOut: 0,
    retried: 0,
    hedged: 0,
    affinityHits: 0,
    affinityMisses: 0,
  };
  /** Hears that a call has to wait for a worker. */
  onQueued: (() => void) | undefined;
  readonly #waiting = new WaitingCalls({
    workers: this.workers,
    route: (call) => this.#route(call),
    send: (call, pooled) => this.#send(call, pooled),
    refuse: (call, error) => this.#refuseBinding(call, error),
    miss: (call) => this.#miss(call),
    queued: () => this.onQueued?.(),
  });
  readonly #live: DeadlineScan<PoolCall>;
  readonly #batches: BatchRoutes;
  readonly #run: string;
  readonly #hedges = new Hedges(this);
  /** None when every retry may be made. */
  readonly #budget: RetryBudget | undefined;
  /** None when the pool has none. */
  readonly #breaker: Breaker<PoolCall> | undefined;
  /** Live calls that host tools have made. */
  readonly #nested = new Set<PoolCall>();
  #closed = false;
  /** Why there is no worker and none will come soon. */
  #unhealthy: SnakepitError | undefined;
  #onIdle: (() => void) | undefined;

  /**
   * @param clock Where time and chance come from. Default: from the runtime.
   * @param telemetry Who is told what happens. Default: nobody.
   * @param run Marker of its pit, which no other pit has. Default: none, as if there were no other.
   */
  constructor(
    settings: PoolSettings,
    functions: HostFunctions,
    clock: PoolClock = realClock,
    telemetry: Telemetry = new Telemetry(),
    run = "",
  ) {
    this.#run = run;
    const { breaker, retryBudget } = settings;
    this.#breaker = breaker && new Breaker(breaker);
    this.#budget = retryBudget && new RetryBudget(retryBudget, clock.now());
    this.settings = settings;
    this.functions = functions;
    this.clock = clock;
    this.telemetry = telemetry;
    this.#batches = new BatchRoutes(clock);
    this.#live = new DeadlineScan(clock, (call, now) => this.#look(call, now));
  }

  /** Calls that wait for a worker. */
  get queued(): number {
    return this.#waiting.size;
  }

  get graceMs(): number {
    return this.settings.graceMs;
  }

  /** Calls that have not ended. */
  get live(): number {
    return this.#live.size;
  }

  /** Whether it takes no more calls. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The calls that wait or run, at this moment. */
  get calls(): PoolCall[] {
    return this.#live.all();
  }

  /** How the breaker stands; undefined when there is none. */
  get breaker(): BreakerState | undefined {
    return this.#breaker?.state(this.clock.now());
  }

  /** Takes a call. Whatever becomes of it is told to the call. */
  submit(call: PoolCall): void {
    this.counts.calls++;
    if (this.telemetry.active) call.story = new CallStory(this.telemetry, this.settings.name, call, this.clock.now());
    if (this.#closed) this.#refuse(call);
    else if (!call.listen()) this.#end(call, call.cancelled());
    else if (this.#breaker === undefined || this.#passes(this.#breaker, call)) {
      this.#live.add(call);
      if (call.host !== undefined) this.#nested.add(call);
      this.#place(call);
    }
  }

  /** Takes a worker that is ready. */
  admit(worker: Worker): PooledWorker {
    const pooled = new PooledWorker(worker, this.settings, this.#run, this.clock, this.telemetry, {
      onFree: () => this.#waiting.drain(),
      onRetire: () => this.#waiting.displace(pooled),
    });
    this.catalog.update(worker.connection.hello.tools);
    this.workers.push(pooled);
    this.#unhealthy = undefined;
    this.#waiting.drain();
    return pooled;
  }

  /** Takes back a worker that has ended, and decides what becomes of the calls that were with it. */
  lose(pooled: PooledWorker, end: WorkerEnd): void {
    pooled.retire();
    const alone = pooled.inFlight === 1 && pooled.cancelWatch.held === 0;
    pooled.cancelWatch.stop();
    const at = this.workers.indexOf(pooled);
    if (at >= 0) this.workers.splice(at, 1);
    for (const known of pooled.routes) known.lose(pooled);
    const lost: PoolCall[] = [];
    const hedges: Hedge[] = [];
    for (const call of end.failed) {
      if (call instanceof PoolCall && call.worker === pooled) lost.push(call);
      else if (call instanceof Hedge && this.#hedges.of(call.call) === call) hedges.push(call);
    }
    // One death is one failure, however many calls were there.
    if (lost.length + hedges.length > 0 && !pooled.ignoredCancel) this.#failed(lost);
    for (const hedge of hedges) if (!hedge.over) this.#lostHedge(hedge, end, alone);
    for (const call of lost) if (!call.over) this.#lost(call, pooled, end, alone);
    if (this.#unhealthy !== undefined) this.despair(this.#unhealthy);
    this.#waiting.drain();
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
      const idle = Promise.withResolvers<void>();
      this.#onIdle = idle.resolve;
      const stopWaiting = this.clock.after(this.settings.graceMs, idle.resolve);
      await idle.promise;
      stopWaiting();
    }
    for (const call of this.#live.all()) this.#refuse(call);
    this.#live.stop();
  }

  completed(call: PoolCall, ranUs: number, error: SnakepitError | undefined): void {
    const pooled = call.worker;
    const { weight } = call;
    this.#judge(call, error);
    if (ranUs > 0) call.entry.pace.add(ranUs);
    call.story?.ran(ranUs);
    if (pooled !== undefined) {
      this.#takeBack(call, pooled);
      pooled.calls++;
      // The worker has answered that the time is up; the tool's code may not know yet.
      if (error?._tag === "CallTimeout") pooled.cancelWatch.add(holdsThread(weight));
    }
    this.#finish(call, error);
    if (this.queued > 0) this.#waiting.drain();
  }

  abandon(call: PoolCall, error: SnakepitError): void {
    if (call.state === "done") return;
    this.#stop(call, error);
    call.fail(error);
    if (this.queued > 0) this.#waiting.drain();
  }

  overtook(hedge: Hedge, value: unknown, ranUs: number, error: SnakepitError | undefined): void {
    const { call, worker: pooled, weight } = hedge;
    // The worker knows only how much time was left when the hedge came.
    const told = error?._tag === "CallTimeout" ? call.timedOut() : error;
    this.#judge(call, told);
    if (ranUs > 0) call.entry.pace.add(ranUs);
    this.#hedges.remove(hedge);
    pooled.calls++;
    if (told?._tag === "CallTimeout") pooled.cancelWatch.add(holdsThread(weight));
    this.#stop(call, told);
    if (told === undefined) call.succeed(value);
    else call.fail(told);
    if (this.queued > 0) this.#waiting.drain();
  }

  forsake(closed: SessionRoute): void {
    const error = new SessionClosed({ session: closed.session.id });
    for (const call of this.#live.all()) if (call.route === closed && call.state !== "sent") this.abandon(call, error);
  }

  /** The call of a host tool that a call is part of, given the worker that runs it and its id on the wire; undefined when the program made it. */
  hostCallOf(workerId: string, wireId: number): HostCall | undefined {
    for (const call of this.#nested) if (call.wireId === wireId && call.worker?.worker.id === workerId) return call.host;
    return undefined;
  }

  /** Whether the breaker lets a call through. One that a host tool makes for which a worker waits is part of a call that it has let through. */
  #passes(breaker: Breaker<PoolCall>, call: PoolCall): boolean {
    if (call.host !== undefined && waitingWorker(this.workers, call) !== undefined) return true;
    const waitMs = breaker.admit(call, this.clock.now());
    if (waitMs === 0) return true;
    this.#end(call, this.#circuitOpen(waitMs));
    return false;
  }

  #circuitOpen(waitMs: number): SnakepitError {
    return new CircuitOpen({ pool: this.settings.name, retryAfterMs: Math.ceil(waitMs) });
  }

  /** Tells the breaker how a call went that a worker had. A stream may run out of time because of who reads it. */
  #judge(call: PoolCall, error: SnakepitError | undefined): void {
    if (this.#breaker === undefined) return;
    if (error?._tag !== "CallTimeout") this.#breaker.answered(call);
    else if (!call.streaming) this.#failed([call]);
  }

  /** Tells the breaker of a failure. When it opens, calls that wait fail at once. */
  #failed(calls: readonly PoolCall[]): void {
    if (this.#breaker === undefined || !this.#breaker.failed(calls, this.clock.now())) return;
    const error = this.#circuitOpen(this.settings.breaker?.openMs ?? 0);
    const waiting = this.#live.all().filter(({ state }) => state === "queued" || state === "resting");
    // All of them before one hears of it: none may take the place of another.
    for (const call of waiting) this.#stop(call, error);
    for (const call of waiting) call.fail(error);
  }

  /** The pool is closed, says this call. */
  #refuse(call: PoolCall): void {
    const error = new PoolClosed({ pool: this.settings.name });
    this.#stop(call, error);
    if (!hostIsDying()) call.fail(error);
  }

  /** Ends a call wherever it is; its code in Python is cancelled. */
  #stop(call: PoolCall, error: SnakepitError | undefined): void {
    const pooled = call.worker;
    if (call.state === "queued") this.#waiting.remove(call);
    if (call.state === "sent" && pooled !== undefined) {
      const holds = holdsThread(call.weight);
      pooled.worker.connection.cancel(call);
      this.#takeBack(call, pooled);
      pooled.calls++;
      pooled.cancelWatch.add(holds);
    }
    this.#finish(call, error);
  }

  /** To a worker when one is free and nobody waits before it, else into the queue. */
  #place(call: PoolCall): void {
    call.weight = weigh(call);
    if (call.route !== undefined && !this.#bind(call)) return;
    if (this.#waiting.laneOf(call).size === 0 && this.#send(call)) return;
    if (call.state === "done") return;
    if (call.host !== undefined && this.#sendBack(call)) return;
    if (this.#unhealthy !== undefined && this.workers.length === 0) {
      this.#end(call, this.#unhealthy);
      return;
    }
    const waiting = this.queued;
    this.#lookAt(call, this.clock.now() + this.settings.queueTimeoutMs);
    this.#waiting.add(call);
    if (call.state !== "queued") return;
    if (isImpatient(call)) this.#miss(call);
    else if (waiting >= this.settings.queueSize) this.abandon(call, new QueueFull({ pool: this.settings.name, size: waiting }));
    else call.story?.queued(waiting);
  }

  /** Decides which worker a call of a session may go to. False when there is none any more, and the call has ended. */
  #bind(call: PoolCall): boolean {
    const error = call.route?.bind(call);
    if (error === undefined) return true;
    this.#refuseBinding(call, error);
    return false;
  }

  #refuseBinding(call: PoolCall, error: SnakepitError): void {
    if (error._tag === "AffinityUnavailable") this.counts.affinityMisses++;
    this.#end(call, error);
  }

  /** Fails a call that does not wait for its worker. */
  #miss(call: PoolCall): void {
    const { bound, route } = call;
    if (bound === undefined || route === undefined) return;
    this.counts.affinityMisses++;
    this.abandon(call, route.unavailable(bound));
  }

  /** The worker that takes a call now. */
  #route(call: PoolCall): PooledWorker | undefined {
    const { batchSize } = call.entry;
    if (call.host === undefined && call.route === undefined) {
      const collecting = batchSize > 0 ? this.#batches.worker(call) : undefined;
      return collecting ?? leastLoaded(this.workers, call.weight, call.alone, batchSize);
    }
    if (call.host !== undefined && waitingWorker(this.workers, call) !== undefined) return routeNested(this.workers, call);
    return route(this.workers, call);
  }

  /** Sends a call, to `pooled` first. False when no worker takes it; when it could not be sent at all it has ended, which counts as sent. */
  #send(call: PoolCall, pooled = this.#route(call)): boolean {
    while (pooled !== undefined) {
      if (this.#sendTo(call, pooled) === undefined) return true;
      // It never reached Python; the next worker gets it.
      call.weight = weigh(call);
      if (call.route !== undefined && !this.#bind(call)) return true;
      pooled = this.#route(call);
    }
    return false;
  }

  /** Sends a call to a worker that waits for what the call is part of, and so cannot be waited for. False when there is none that it may go to. */
  #sendBack(call: PoolCall): boolean {
    const pooled = waitingWorker(this.workers, call);
    if (pooled === undefined) return false;
    const lost = this.#sendTo(call, pooled);
    // With that connection the call of the host tool is gone too.
    if (lost !== undefined) this.#end(call, lost);
    return true;
  }

  /** Sends a call to a worker. Answers ConnectionLost when it never got there; after any other failure it has ended. */
  #sendTo(call: PoolCall, pooled: PooledWorker): SnakepitError | undefined {
    // It may have found another worker than the one that was kept for it.
    if (call.alone) this.#waiting.unreserve();
    const waiting = call.host === undefined ? undefined : waitsFor(pooled, call.host);
    if (waiting === undefined) call.waiter = 0;
    else {
      call.waiter = waiting.waiter;
      call.weight = "nested";
      call.alone = false;
    }
    pooled.take(call.weight, call.alone);
    if (call.entry.batchSize > 0) this.#batches.sent(call, pooled);
    call.worker = pooled;
    call.state = "sent";
    let isNewHome = false;
    let lost: SnakepitError | undefined;
    try {
      if (call.route !== undefined) isNewHome = this.#enter(call.route, pooled);
      pooled.worker.connection.start(call);
      if (!call.over) {
        call.attempts++;
        if (call.hedgeMs !== undefined) this.#lookAt(call, this.clock.now() + call.hedgeMs);
        call.story?.started(pooled.worker.id, this.clock.now());
      }
    } catch (error) {
      if (!call.over) this.#takeBack(call, pooled);
      if (!isSnakepitError(error)) throw error;
      if (error._tag === "ConnectionLost") pooled.retire();
      if (!call.over) {
        if (error._tag === "ConnectionLost") lost = error;
        else this.#end(call, error);
      }
    }
    // Reading its arguments has ended it: it was not sent, and the functions that were read after that are not wanted.
    if (call.over) call.removeFunctions();
    if (isNewHome && call.route !== undefined) this.#waiting.gather(call.route);
    return lost;
  }

  /** A call of a session goes to a worker. True when the worker has the session from now on. */
  #enter(route: SessionRoute, pooled: PooledWorker): boolean {
    if (route.worker === pooled.worker.id) this.counts.affinityHits++;
    else if (route.worker !== undefined) this.counts.affinityMisses++;
    return route.enter(pooled);
  }

  /** The worker of this call has died. */
  #lost(call: PoolCall, pooled: PooledWorker, end: WorkerEnd, alone: boolean): void {
    this.#takeBack(call, pooled);
    if (!pooled.ignoredCancel) blame(call, alone);
    // Its hedge may still answer.
    if (this.#hedges.of(call) === undefined) this.#again(call, pooled, end);
  }

  /** The worker of a hedge has died. Its call goes on, unless it has lost its own worker before. */
  #lostHedge(hedge: Hedge, end: WorkerEnd, alone: boolean): void {
    const { call, worker: pooled } = hedge;
    this.#hedges.remove(hedge);
    if (!pooled.ignoredCancel) {
      if (alone || hedge.weight === "slow") call.kills++;
      else call.suspicions++;
    }
    if (call.worker === undefined) this.#again(call, pooled, end);
  }

  /** Sends a call again whose worker has died, after a while, or ends it. */
  #again(call: PoolCall, pooled: PooledWorker, end: WorkerEnd): void {
    const delayMs = this.#mayRetry() ? retryDelayMs(call, this.settings, this.clock) : undefined;
    if (delayMs === undefined || this.#budget?.take(this.clock.now(), this.counts.calls) === false) {
      // One that only shared its worker with a tool that ignored its cancel did nothing wrong: the caller may send it again.
      const retryable = pooled.ignoredCancel || (call.entry.tool.idempotent && call.kills < constants.poisonous);
      this.#end(call, end.error(call.attempts, retryable));
      return;
    }
    this.counts.retried++;
    call.story?.retried(end.error(call.attempts, true), delayMs, this.clock.now());
    call.state = "resting";
    this.#lookAt(call, this.clock.now() + delayMs);
  }

  #mayRetry(): boolean {
    return !this.#closed && (this.#breaker === undefined || this.#breaker.state(this.clock.now()) === "closed");
  }

  /** Sends a call that waits long for its answer to a second worker, if one is free. */
  #hedge(call: PoolCall, now: number): void {
    if (!(call instanceof UnaryCall) || !this.#mayRetry()) return;
    const { bound, route, host, alone, entry } = call;
    const hasOne = bound !== undefined || (route !== undefined && route.session.affinity !== "hint");
    // It may go to no other worker, or has to be alone; or others wait for the same worker.
    if (hasOne || host !== undefined || alone || entry.batchSize > 0 || this.#waiting.laneOf(call).size > 0) return;
    const weight = weigh(call);
    const others = this.workers.filter((pooled) => pooled !== call.worker);
    const pooled = leastLoaded(others, weight, false, 0);
    if (pooled === undefined || this.#budget?.take(now, this.counts.calls) === false) return;
    const isNewHome = call.route !== undefined && this.#enter(call.route, pooled);
    if (this.#hedges.send(call, pooled, weight)) {
      this.counts.hedged++;
      call.attempts++;
      // Not once more, also when this one's worker dies.
      call.until = Number.POSITIVE_INFINITY;
    }
    if (isNewHome && call.route !== undefined) this.#waiting.gather(call.route);
  }

  /** Has the scan look at a call at this time. */
  #lookAt(call: PoolCall, time: number): void {
    call.until = time;
    this.#live.by(time);
  }

  /** One look of the scan at one call that is due. */
  #look(call: PoolCall, now: number): void {
    if (now >= call.deadline) {
      const error = call.timedOut();
      if (call.state === "sent") this.#judge(call, error);
      this.abandon(call, error);
    } else if (now >= call.until) {
      if (call.state === "resting") this.#place(call);
      else if (call.state === "queued") {
        this.abandon(call, new QueueTimeout({ pool: this.settings.name, waitedMs: this.settings.queueTimeoutMs }));
      } else if (call.hedgeMs !== undefined) this.#hedge(call, now);
    }
  }

  #takeBack(call: PoolCall, pooled: PooledWorker): void {
    pooled.give(call.weight, call.alone);
    call.worker = undefined;
    call.removeFunctions();
  }

  #end(call: PoolCall, error: SnakepitError): void {
    this.#finish(call, error);
    call.fail(error);
  }

  #finish(call: PoolCall, error: SnakepitError | undefined): void {
    call.finish();
    call.story?.finished(error, this.clock.now());
    this.#live.remove(call);
    if (call.host !== undefined) this.#nested.delete(call);
    if (call.hedgeMs !== undefined) this.#hedges.cancel(call);
    this.#breaker?.ended(call);
    if (error === undefined) this.counts.succeeded++;
    else {
      this.counts.failed++;
      if (error._tag === "Cancelled") this.counts.cancelled++;
      else if (error._tag === "CallTimeout" || error._tag === "QueueTimeout") this.counts.timedOut++;
    }
    if (this.#onIdle !== undefined && this.#live.size === 0) this.#onIdle();
  }
}
