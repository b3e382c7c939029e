/** A pit that is looked at again and again: one of this machine by its admin socket, or one behind a gateway. */
import { Effect, Schema } from "effect";
import type { AdminError } from "../registry/admin.ts";
import { asked, type Gateway } from "./gateway.ts";
import { askHost, onlyHost } from "./open-pits.ts";
import { type PitEvent, PitEvents, PitState, type SessionState, SessionStates, sessionStateOf, stateOf } from "./pit-state.ts";

/** How a pit stands, and what happened there of late. */
export interface Sample extends PitState {
  /** Those that were used last, that one first. */
  readonly recentSessions: readonly SessionState[];
  /** The last lines that tools printed and the last workers that died, in the order in which it happened. */
  readonly events: readonly PitEvent[];
}

/** A pit. */
export interface WatchedPit {
  /** Where it is, in words. */
  readonly name: string;
  /** How it stands now. */
  readonly sample: Effect.Effect<Sample, NotWatched>;
}

/** It could not be asked. */
export class NotWatched extends Schema.TaggedError<NotWatched>()("NotWatched", {
  message: Schema.String,
  /** Whether it is no use to ask again: the pit is closed. */
  isOver: Schema.Boolean,
}) {}

/** Of each type of event. */
const EVENTS = 20;
const EVENT_TYPES = ["log", "worker.crashed", "worker.failed"];
const SESSIONS = 20;
/** Of a pit with more sessions they are not listed, since every one of them would be sent each time. */
const LISTED_SESSIONS = 1_000;

/** The pit behind a gateway. */
export const remotePit = ({ url, admin, pit }: Gateway): WatchedPit => ({
  name: url,
  sample: Effect.gen(function* () {
    const [status, events] = yield* asked(() => Promise.all([admin.status(), admin.events(EVENT_TYPES, EVENTS)]));
    const state = stateOf(status);
    const sessions = isListed(state) ? (yield* asked(() => pit.sessions())).map(sessionStateOf) : [];
    return sampleOf(state, sessions, events);
  }).pipe(Effect.mapError(({ _tag, message }) => new NotWatched({ message: `${_tag}: ${message}`, isOver: false }))),
});

/** The only pit that is open on this machine, or the one of this run. Fails with NotChosen. */
export const localPit = Effect.fnUntraced(function* (run: string | undefined) {
  const host = yield* onlyHost(run);
  const sample = Effect.gen(function* () {
    const state = yield* askHost(host, "status", PitState);
    const { events } = yield* askHost(host, "events", PitEvents, { types: EVENT_TYPES, limit: EVENTS });
    const sessions = isListed(state) ? (yield* askHost(host, "sessions", SessionStates)).sessions : [];
    return sampleOf(state, sessions, events);
  });
  return {
    name: `run ${host.run} of process ${host.pid}`,
    sample: sample.pipe(Effect.mapError(notWatched)),
  } satisfies WatchedPit;
});

const isListed = ({ sessions }: PitState): boolean => sessions > 0 && sessions <= LISTED_SESSIONS;

const sampleOf = (state: PitState, sessions: readonly SessionState[], events: readonly PitEvent[]): Sample => ({
  ...state,
  recentSessions: sessions.toSorted((one, other) => (one.usedAt < other.usedAt ? 1 : -1)).slice(0, SESSIONS),
  events,
});

/** Nobody listens any more when the pit is closed, or its program has ended. */
const notWatched = ({ code, message }: AdminError): NotWatched => new NotWatched({ message, isOver: code === "unavailable" });
