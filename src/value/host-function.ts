/** A function that Python may call. */

/** A function of the program's that Python may call. */
// biome-ignore lint/suspicious/noExplicitAny: it may take and give anything that can travel, as a listener of events does
export type HostFunction = (...args: any[]) => unknown;
