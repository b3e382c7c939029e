/** The last lines a worker wrote to stderr, for the message of its crash. */

/** Lines that are kept, and how many once a stuck worker has been asked for the stacks of its threads. */
const KEPT = { usually: 20, withStacks: 400 } as const;
/** Longest wait for stacks, and for how long nothing more may come before they count as complete, in milliseconds. */
const STACKS_MS = { longest: 1_000, quiet: 200 } as const;

/** A ring of lines. */
export class OutputTail {
  readonly #lines: string[] = [];
  #kept: number = KEPT.usually;
  #onLine: () => void = () => {};

  /** Takes a line. */
  add(line: string): void {
    if (this.#lines.length === this.#kept) this.#lines.shift();
    this.#lines.push(line);
    this.#onLine();
  }

  /** The lines as they stand, oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice();
  }

  /** Asks for the stacks of the worker, which come as lines. Resolves when no more does, or none has come within a moment. */
  stacks(ask: () => void): Promise<void> {
    this.#kept = KEPT.withStacks;
    return new Promise((resolve) => {
      let quiet: ReturnType<typeof setTimeout> | undefined;
      const settle = (): void => {
        clearTimeout(longest);
        clearTimeout(quiet);
        resolve();
      };
      const longest = setTimeout(settle, STACKS_MS.longest);
      this.#onLine = () => {
        clearTimeout(quiet);
        quiet = setTimeout(settle, STACKS_MS.quiet);
      };
      ask();
    });
  }
}
