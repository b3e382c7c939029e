/** What is measured: one system, opened anew for every round. */

/** A running system with one Python process behind it. Left out: what the system cannot do. */
export interface System {
  /** A string there and back. */
  echo(text: string): Promise<string>;
  /** `item-0` to `item-(n-1)`. */
  items?(n: number): AsyncIterable<string>;
  /** Bytes there and back. */
  blob?(data: Uint8Array): Promise<Uint8Array>;
  /** Pid of the Python process. */
  pid(): Promise<number>;
  close(): Promise<void>;
}

/** Opens a system and resolves when it answers. */
export type Open = (python: string) => Promise<System>;
