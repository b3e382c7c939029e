/** What is measured: one system, opened anew for every round. */

/** A running system with one Python process behind it. What it cannot do is a sentence that says why. */
export interface System {
  /** A string there and back. */
  echo(text: string): Promise<string>;
  /** `item-0` to `item-(n-1)`. */
  readonly items: ((n: number) => AsyncIterable<string>) | string;
  /** Bytes there and back. */
  readonly blob: ((data: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>) | string;
  /** Its Python process; undefined when there is none that stays. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

/** Opens a system and resolves when it answers. */
export type Open = (python: string) => Promise<System>;
