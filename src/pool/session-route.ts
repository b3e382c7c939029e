/** One session in one pool: which worker has it, which know it, and where its calls may go. */
import { AffinityUnavailable, ObjectLost, SessionClosed, type SnakepitError } from "../errors/index.ts";
import type { ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import type { PoolCall } from "./call.ts";
import type { CallSession } from "./call-session.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { waitsFor } from "./routing.ts";
import { StoredObjects } from "./stored-objects.ts";

/** What a route needs of its pool. */
export interface RouteOwner {
  /** The route is closed: calls that wait for a worker fail. */
  forsake(route: SessionRoute): void;
  /** Longest time that a worker has for forgetting the session, in milliseconds. */
  readonly graceMs: number;
}

/** One session in one pool. Give it to {@link Pool.call} and {@link Pool.stream}; close it when the session has no more calls to make. */
export class SessionRoute {
  readonly session: CallSession;
  readonly #owner: RouteOwner;
  readonly #objects: StoredObjects;
  /** The workers that know the session, by their ids. */
  readonly #known = new Map<string, PooledWorker>();
  #home: PooledWorker | undefined;
  #isClosed = false;
  #closed: Promise<void> | undefined;

  /** Made by {@link Pool.route}. */
  constructor(session: CallSession, owner: RouteOwner) {
    this.session = session;
    this.#owner = owner;
    this.#objects = new StoredObjects(session.id);
  }

  /** Id of the worker that has the session, which may have ended; undefined before the first call. */
  get worker(): string | undefined {
    return this.#home?.worker.id;
  }

  /** The worker that has the session and takes calls; undefined when there is none. */
  get home(): PooledWorker | undefined {
    return this.#home?.draining === false ? this.#home : undefined;
  }

  /** The stored object among the arguments of a call, by which it is bound to a worker. Throws InvalidArguments for one that makes no sense there. */
  objectAmong(tool: string, args: object): ObjectRef | undefined {
    return this.#objects.among(tool, args);
  }

  /** Makes the reference to an object that a worker stores. */
  objectRef(place: ObjectPlace, pooled: PooledWorker): ObjectRef {
    return this.#objects.add(place, pooled.worker);
  }

  /** Binds a call to the worker it has to go to, if there is one. Answers the error that it fails with when there is none any more. */
  bind(call: PoolCall): SnakepitError | undefined {
    const { id, affinity } = this.session;
    const { object } = call;
    call.bound = undefined;
    if (this.#isClosed) return new SessionClosed({ session: id });
    if (object !== undefined) {
      const holder = this.#known.get(object.worker);
      if (holder === undefined || !isThere(holder, call)) return new ObjectLost({ object: object.key, worker: object.worker });
      call.bound = holder;
    } else if (affinity !== "hint" && this.#home !== undefined) {
      if (isThere(this.#home, call)) call.bound = this.#home;
      else if (affinity === "strict-fail") return this.unavailable(this.#home);
    }
    return undefined;
  }

  /** A call is about to be sent to a worker: makes the session known there. True when this worker has the session from now on. */
  enter(pooled: PooledWorker): boolean {
    const home = this.#home;
    const isMove = home !== undefined && home !== pooled && home.draining;
    const movedFrom = isMove ? home.worker.id : "";
    if (home === undefined || isMove) this.#home = pooled;
    // One that knows it from before has to hear what was lost.
    if (isMove || !this.#known.has(pooled.worker.id)) {
      this.#known.set(pooled.worker.id, pooled);
      pooled.routes.add(this);
      this.session.initialize(pooled.worker, movedFrom);
    }
    if (isMove) this.session.moved(movedFrom, pooled.worker.id);
    return this.#home !== home;
  }

  /** A worker that knows the session has ended. */
  lose(pooled: PooledWorker): void {
    this.#known.delete(pooled.worker.id);
    this.session.forget(pooled.worker.id);
  }

  /**
   * Ends it: calls that wait for a worker fail with SessionClosed, references to stored objects are released, and the workers are asked to forget the
   * session. Resolves when they have answered, or are gone. May be called twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // A call in flight that would be sent again is refused from here on.
    this.#isClosed = true;
    const known = [...this.#known.values()];
    this.#known.clear();
    this.#objects.close();
    const answers = known.map((pooled) => {
      pooled.routes.delete(this);
      const request = { sessionId: this.session.id };
      const answer = pooled.worker.client.cleanupSession(request, { timeoutMs: this.#owner.graceMs });
      this.session.forget(pooled.worker.id);
      return answer;
    });
    this.#owner.forsake(this);
    await Promise.allSettled(answers);
  }

  /** What a call fails with that does not wait for its worker. */
  unavailable(pooled: PooledWorker): SnakepitError {
    return new AffinityUnavailable({ session: this.session.id, worker: pooled.worker.id });
  }
}

/** Whether a worker can be had for a call: it takes calls, or waits for what the call is part of, and then takes this one also when it is to end. */
function isThere(pooled: PooledWorker, call: PoolCall): boolean {
  return !pooled.draining || waitsFor(pooled, call.host) !== undefined;
}
