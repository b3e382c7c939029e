/** Every default and limit of sessions, stated here and nowhere else. Times are in milliseconds. */

/** What options that are not given mean. */
export const defaults = {
  /** How long a session lives after its last use. */
  ttlMs: 3_600_000,
  /** How often sessions past their time are looked for. */
  cleanupIntervalMs: 300_000,
  /** Sessions that a store holds. */
  maxSessions: 10_000,
  /** Variables of one session. */
  maxVariables: 10_000,
  /** What the variables of one session take: values, metadata and constraints. */
  maxSessionBytes: 64 * 1024 * 1024,
} as const;

/** What nobody has needed to change yet. */
export const constants = {
  /** Changes that wait for a watcher before they are drawn together. */
  watchBuffer: 1_024,
  /** Events of sessions that wait for a listener; the oldest go first. */
  eventBuffer: 1_024,
  /** Descriptions of variables that are kept compiled. */
  compiledDescriptions: 1_000,
  /** Largest variable that a worker is given with the session, before it asks for it, and how much in all, in bytes. */
  preloadVariableBytes: 4_096,
  preloadBytes: 65_536,
  /** How late the last use of a session may be written down when it was only read. */
  touchMs: 1_000,
  /** How long a store waits while another process writes to its file. */
  busyMs: 5_000,
  /** How often a store with watchers looks for changes that other processes made. */
  foreignMs: 50,
} as const;
