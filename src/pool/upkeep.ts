/**
 * Looks at the workers of a pool from time to time, and recycles those that have done enough, or changes how many there are. What is decided stands in
 * `recycling.ts` and `scaling.ts`. Looking costs the calls nothing: nobody counts for it.
 */
import { Clock, Deferred, Effect } from "effect";
import { constants } from "./defaults.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { isDue, type Recycling, replacedTogether } from "./recycling.ts";
import { change, type Scaling } from "./scaling.ts";
import type { Place, Supervisor } from "./supervisor.ts";

/** What was seen of a worker. */
interface Seen {
  /** The worker, by its name. */
  readonly workerId: string;
  /** Calls that had ended on it. */
  calls: number;
  /** Since when it has nothing to do. */
  idleSince: number;
  memoryBytes: number;
}

/** The upkeep of one pool. */
export class Upkeep {
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: Supervisor;
  readonly #seen = new WeakMap<Place, Seen>();
  /** Done when it is to look at once. */
  #wake = Deferred.makeUnsafe<void>();
  /** A worker that cannot be replaced is not tried again before. */
  #recycleFrom = 0;
  #isRecycling = false;

  constructor(dispatcher: Dispatcher, supervisor: Supervisor) {
    this.#dispatcher = dispatcher;
    this.#supervisor = supervisor;
  }

  /** Looks until it is interrupted. Ends at once where there is nothing to look for. */
  get run(): Effect.Effect<void> {
    const { recycle, workers } = this.#dispatcher.settings;
    const scales = workers.min < workers.max;
    if (!scales && recycle === undefined) return Effect.void;
    if (scales) this.#dispatcher.onQueued = () => Deferred.doneUnsafe(this.#wake, Effect.void);
    const look = Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Deferred.await(this.#wake).pipe(Effect.timeoutOrElse({ duration: constants.upkeepMs.look, orElse: () => Effect.void }));
        this.#wake = Deferred.makeUnsafe();
        const now = yield* Clock.currentTimeMillis;
        if (scales) yield* this.#scale(workers, now);
        if (recycle !== undefined) yield* this.#recycle(recycle, now);
        // Calls that queue all the time would have it look all the time.
        yield* Effect.sleep(constants.upkeepMs.rest);
      }
    });
    if (recycle?.memoryBytes === undefined) return look;
    return Effect.all([look, this.#weigh], { concurrency: "unbounded", discard: true });
  }

  /** Reads how much memory each worker has. */
  get #weigh(): Effect.Effect<never> {
    const weigh = (place: Place): Effect.Effect<void> =>
      Effect.promise(async () => {
        const { pooled } = place;
        const bytes = await pooled?.worker.memoryBytes();
        // Meanwhile another one may have come.
        if (bytes !== undefined && place.pooled === pooled) this.#seenOf(place, 0).memoryBytes = bytes;
      });
    const all = Effect.suspend(() => Effect.forEach(this.#supervisor.places, weigh, { concurrency: "unbounded", discard: true }));
    return Effect.forever(Effect.andThen(all, Effect.sleep(constants.upkeepMs.memory)));
  }

  #scale(scaling: Scaling, now: number): Effect.Effect<void> {
    const { places, size } = this.#supervisor;
    const ready = places.filter(({ pooled, replaces }) => pooled?.draining === false && replaces === undefined);
    const busy = ready.filter((place) => !this.#isIdle(place, now));
    const lapsed = ready.filter((place) => !place.isReplaced && now - this.#seenOf(place, now).idleSince >= scaling.idleMs);
    const by = change(scaling, {
      ready: ready.length,
      starting: size - ready.length,
      busy: busy.length,
      lapsed: lapsed.length,
      queued: this.#dispatcher.queued,
    });
    if (by > 0 && !this.#supervisor.unhealthy(now)) return this.#supervisor.grow(by);
    // One that has no session is missed least; of equals the last, since calls go to the first.
    const [spared] = lapsed.reverse().sort((a, b) => (a.pooled?.routes.size ?? 0) - (b.pooled?.routes.size ?? 0));
    if (by < 0 && spared !== undefined) this.#supervisor.shrink(spared);
    return Effect.void;
  }

  #recycle(recycling: Recycling, now: number): Effect.Effect<void> {
    if (this.#isRecycling || now < this.#recycleFrom) return Effect.void;
    const { places, size } = this.#supervisor;
    const isTired = (place: Place): boolean => {
      if (place.pooled === undefined || place.pooled.draining || place.replaces !== undefined || place.isReplaced) return false;
      const { memoryBytes } = this.#seenOf(place, now);
      return isDue(recycling, { calls: place.pooled.calls, ageMs: now - place.readyAt, memoryBytes, jitter: place.jitter });
    };
    const tired = places.filter(isTired).slice(0, replacedTogether(size));
    if (tired.length === 0) return Effect.void;
    this.#isRecycling = true;
    return this.#supervisor.recycle(tired).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((then) =>
        Effect.sync(() => {
          this.#isRecycling = false;
          if (tired.some(({ left }) => !left)) this.#recycleFrom = then + constants.restartBackoffMs.longest;
        }),
      ),
      // Meanwhile the pool may have to grow.
      Effect.forkChild,
      Effect.asVoid,
    );
  }

  /** Whether a worker has nothing to do, and has had nothing to do since it was looked at last. */
  #isIdle(place: Place, now: number): boolean {
    const seen = this.#seenOf(place, now);
    const { pooled } = place;
    if (pooled === undefined) return false;
    const worked = pooled.calls !== seen.calls;
    const works = pooled.inFlight > 0 || pooled.cancelWatch.pending > 0;
    seen.calls = pooled.calls;
    if (worked || works) seen.idleSince = now;
    return !works;
  }

  #seenOf(place: Place, now: number): Seen {
    const seen = this.#seen.get(place);
    if (seen?.workerId === place.workerId) return seen;
    const fresh: Seen = { workerId: place.workerId, calls: 0, idleSince: now, memoryBytes: 0 };
    this.#seen.set(place, fresh);
    return fresh;
  }
}
