/** Calls that wait for a worker: by priority, then in the order they came. Adding, taking and removing cost the same however many wait. */

/** What a queue keeps in the things that wait in it. A thing is in one queue at a time. */
export interface Queued<T> {
  readonly priority: number;
  /** The queue's own: the line it stands in, and its neighbours there. */
  line: Line<T> | undefined;
  before: T | undefined;
  after: T | undefined;
}

interface Line<T> {
  readonly priority: number;
  first: T | undefined;
  last: T | undefined;
}

/** A queue by priority. */
export class PriorityQueue<T extends Queued<T>> {
  /** One line a priority, the highest first. Only that of priority 0 stays when it is empty. */
  readonly #lines: Line<T>[] = [];
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Who is next. */
  get first(): T | undefined {
    if (this.#size === 0) return undefined;
    for (const line of this.#lines) if (line.first !== undefined) return line.first;
    return undefined;
  }

  /** Adds `item` behind all of its priority. */
  push(item: T): void {
    const line = this.#lineOf(item.priority);
    item.line = line;
    item.before = line.last;
    if (line.last === undefined) line.first = item;
    else line.last.after = item;
    line.last = item;
    this.#size++;
  }

  /** Takes `item` out, which must be in this queue. */
  remove(item: T): void {
    const { line, before, after } = item;
    if (line === undefined) return;
    if (before === undefined) line.first = after;
    else before.after = after;
    if (after === undefined) line.last = before;
    else after.before = before;
    item.line = item.before = item.after = undefined;
    this.#size--;
    if (line.first === undefined && line.priority !== 0) this.#lines.splice(this.#lines.indexOf(line), 1);
  }

  #lineOf(priority: number): Line<T> {
    let at = 0;
    for (; at < this.#lines.length; at++) {
      const line = this.#lines[at]!;
      if (line.priority === priority) return line;
      if (line.priority < priority) break;
    }
    const line: Line<T> = { priority, first: undefined, last: undefined };
    this.#lines.splice(at, 0, line);
    return line;
  }
}
