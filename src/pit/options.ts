/** What `open` may be given, and the check that it makes sense. */
import { Layer } from "effect";
import type { InvalidOptions, StoreFailed } from "../errors/index.ts";
import { type Check, type PoolsOptions, type PoolsSettings, poolsSettings } from "../pool/options.ts";
import type { SessionEvent } from "../session/manager.ts";
import { type SessionsOptions, type SessionsSettings, sessionsSettings } from "../session/options.ts";
import type { Store } from "../session/service.ts";

/** Where sessions are kept, as `sqlite({ file })` or a layer of `Session.Store` makes it. */
export type SessionStore = Layer.Layer<Store, InvalidOptions | StoreFailed>;

/** Options of `open`: those of one pool or several, and those of sessions. */
export interface OpenOptions extends PoolsOptions {
  /** Where sessions are kept. Default: in the memory of this process. */
  readonly store?: SessionStore | undefined;
  /** How long sessions live, and how many there may be. */
  readonly sessions?: SessionsOptions | undefined;
  /** Hears what happens to sessions: that they are made, moved to another worker, released, ended, or past their time. */
  readonly onSessionEvent?: ((event: SessionEvent) => void) | undefined;
}

/** Options of `open` with every default filled in. */
export interface OpenSettings extends PoolsSettings {
  readonly store: SessionStore | undefined;
  readonly sessions: SessionsSettings;
  readonly onSessionEvent: ((event: SessionEvent) => void) | undefined;
}

const checks: Record<Exclude<keyof OpenOptions, keyof PoolsOptions>, Check> = {
  store: { expected: "a store for sessions, such as sqlite({ file })", ok: (value) => Layer.isLayer(value) },
  sessions: { expected: "an object", ok: (value) => typeof value === "object" && value !== null },
  onSessionEvent: { expected: "a function", ok: (value) => typeof value === "function" },
};

/** Fills in the defaults. Throws InvalidOptions, which names the option and what was expected. */
export function openSettings(options: OpenOptions): OpenSettings {
  const pools = poolsSettings(options, checks);
  const { store, sessions = {}, onSessionEvent } = options;
  return { ...pools, store, sessions: sessionsSettings(sessions), onSessionEvent };
}
