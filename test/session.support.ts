/** Sessions without workers, over any store, on the real clock or on one that tests turn. */
import { Context, Effect, Exit, Layer, Scope } from "effect";
import { TestClock } from "effect/testing";
import type { SessionManager } from "../src/session/manager.ts";
import type { SessionOptions, SessionsOptions, Store as StoreTag } from "../src/session/service.ts";
import { layer, Sessions, Store } from "../src/session/service.ts";
import { Session } from "../src/session/session.ts";

/** A program's sessions. */
export interface Bench extends AsyncDisposable {
  readonly manager: SessionManager;
  readonly session: (id?: string, options?: SessionOptions) => Promise<Session>;
  readonly run: <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Promise<A>;
  /** Turns the clock, when it is one that can be turned. */
  readonly wait: (ms: number) => Promise<void>;
}

export interface BenchOptions extends SessionsOptions {
  readonly store?: Layer.Layer<StoreTag, unknown>;
  readonly turnedByHand?: boolean;
}

export async function bench({ store = Store.layerMemory, turnedByHand = false, ...options }: BenchOptions = {}): Promise<Bench> {
  const scope = Scope.makeUnsafe();
  const sessions = layer(options).pipe(Layer.provide(store));
  const all = turnedByHand ? Layer.provideMerge(sessions, TestClock.layer()) : sessions;
  const context = await Effect.runPromise(Layer.buildWithScope(all, scope));
  const manager = Context.get(context, Sessions);
  const runWith = Effect.runPromiseWith(context);
  const close = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void));
  return {
    manager,
    session: async (id, sessionOptions) => new Session(await runWith(manager.open(id, sessionOptions)), context),
    run: (effect) => runWith(Effect.scoped(effect)),
    wait: (ms) => runWith(TestClock.adjust(ms)),
    [Symbol.asyncDispose]: close,
  };
}
