/**
 * Calls that wait for a worker: by priority, then in the order they came. Adding, taking and removing cost the same however many wait, but for one that
 * comes back to its old place.
 */

/** What a queue keeps in the things that wait in it. A thing is in one queue at a time. */
export interface Queued<T> {
  readonly priority: number;
  /** When it came, counted up: of one priority the lowest leaves first. */
  readonly order: number;
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

  /** Adds `item` behind all of its priority that came before it. */
  push(item: T): void {
    const line = this.#lineOf(item.priority);
    let before = line.last;
    while (before !== undefined && before.order > item.order) before = before.before;
    const after = before === undefined ? line.first : before.after;
    item.line = line;
    item.before = before;
    item.after = after;
    if (before === undefined) line.first = item;
    else before.after = item;
    if (after === undefined) line.last = item;
    else after.before = item;
    this.#size++;
  }

  /** All of them, in the order they leave. */
  all(): T[] {
    const items: T[] = [];
    for (const line of this.#lines) for (let item = line.first; item !== undefined; item = item.after) items.push(item);
    return items;
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
