/** The last lines a worker wrote to stderr, for the message of its crash. */

/** Lines that are kept. */
const KEPT = 20;
/** Lines that are kept of the stacks of a stuck worker, on top of the others. */
const KEPT_OF_STACKS = 400;
/** Longest wait for stacks, and how long nothing more may come before they count as complete, in milliseconds. */
const STACKS_MS = { longest: 200, quiet: 20 } as const;

/** A ring of lines. */
export class OutputTail {
  readonly #lines: string[] = [];
  #stacks: string[] | undefined;
  #onStack: () => void = () => {};

  /** Takes a line. */
  add(line: string): void {
    if (this.#stacks !== undefined) {
      if (this.#stacks.length < KEPT_OF_STACKS) this.#stacks.push(line);
      this.#onStack();
      return;
    }
    if (this.#lines.length === KEPT) this.#lines.shift();
    this.#lines.push(line);
  }

  /** The lines as they stand, oldest first. */
  get lines(): readonly string[] {
    return [...this.#lines, ...(this.#stacks ?? [])];
  }

  /**
   * What comes from now on is taken for the stacks of the worker, which is asked for them with `ask`. Resolves when no more comes, or none has come within a
   * moment. Asks once, however often it is called.
   */
  stacks(ask: () => void): Promise<void> {
    if (this.#stacks !== undefined) return Promise.resolve();
    this.#stacks = [];
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(longest);
        clearTimeout(quiet);
        this.#onStack = () => {};
        resolve();
      };
      let quiet: ReturnType<typeof setTimeout> | undefined;
      const longest = setTimeout(settle, STACKS_MS.longest);
      this.#onStack = () => {
        clearTimeout(quiet);
        quiet = setTimeout(settle, STACKS_MS.quiet);
      };
      ask();
    });
  }
}
