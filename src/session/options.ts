/** What everything about sessions may be given. */
import { type Check, type Checks, checkOptions, LONGEST_MS, whole } from "../api/check.ts";
import { ttl } from "../api/session-options.ts";
import { defaults } from "./defaults.ts";

/** Options of everything about sessions. */
export interface SessionsOptions {
  /** How long a session lives after its last use, in milliseconds; Infinity for ever. Default 1 h. */
  readonly ttlMs?: number | undefined;
  /** How often sessions past their time are removed, in milliseconds. Default 5 min. One that is used past its time fails at once all the same. */
  readonly cleanupIntervalMs?: number | undefined;
  /** Most sessions in the store. Default 10,000. */
  readonly maxSessions?: number | undefined;
  /** Most variables of one session. Default 10,000. */
  readonly maxVariables?: number | undefined;
  /** Most bytes that the variables of one session take: values, names, metadata and constraints. Default 64 MiB. */
  readonly maxSessionBytes?: number | undefined;
}

/** Options of everything about sessions, with every default filled in. */
export type SessionsSettings = { readonly [Name in keyof SessionsOptions]-?: number };

const interval: Check = {
  expected: `a number of milliseconds above 0, at most ${LONGEST_MS}`,
  ok: (value) => typeof value === "number" && value > 0 && value <= LONGEST_MS,
};

const sessionsChecks: Checks<SessionsOptions> = {
  ttlMs: ttl,
  cleanupIntervalMs: interval,
  maxSessions: whole(0),
  maxVariables: whole(0),
  maxSessionBytes: whole(0),
};

/** Fills in the defaults. Throws InvalidOptions. */
export function sessionsSettings(options: SessionsOptions): SessionsSettings {
  checkOptions(options, sessionsChecks);
  return {
    ttlMs: options.ttlMs ?? defaults.ttlMs,
    cleanupIntervalMs: options.cleanupIntervalMs ?? defaults.cleanupIntervalMs,
    maxSessions: options.maxSessions ?? defaults.maxSessions,
    maxVariables: options.maxVariables ?? defaults.maxVariables,
    maxSessionBytes: options.maxSessionBytes ?? defaults.maxSessionBytes,
  };
}
