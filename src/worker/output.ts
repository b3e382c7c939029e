/** The last lines a worker wrote to stderr, for the message of its crash. */

/** Lines that are kept. */
const KEPT = 20;

/** A ring of lines. */
export class OutputTail {
  readonly #lines: string[] = [];

  /** Takes a line. */
  add(line: string): void {
    if (this.#lines.length === KEPT) this.#lines.shift();
    this.#lines.push(line);
  }

  /** The lines as they stand, oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice();
  }
}
