/**
 * Calls that wait for a worker: by priority, and within one priority round robin over the sessions, each session's own in the order they came. A session
 * with ten thousand waiting calls so holds up another by one call.
 *
 * Adding, taking and removing cost the same however many wait, but for one that comes back to its old place.
 */

/** What a queue keeps in the things that wait in it. A thing is in one queue at a time. */
export interface Queued<T> {
  readonly priority: number;
  /** Whose turn it leaves in. */
  readonly sessionId: string;
  /** When it came, counted up: of one session and priority the lowest leaves first. */
  readonly order: number;
  /** The queue's own: the turn it stands in, and its neighbours there. */
  turn: Turn<T> | undefined;
  before: T | undefined;
  after: T | undefined;
}

/** The things of one session and priority. */
export interface Turn<T> {
  readonly line: Line<T>;
  readonly sessionId: string;
  /** When it stood behind all others last, counted as {@link Queued.order} is: the lowest is next. */
  since: number;
  first: T | undefined;
  last: T | undefined;
  before: Turn<T> | undefined;
  after: Turn<T> | undefined;
}

/** The turns of one priority, in the order they are served. */
interface Line<T> {
  readonly priority: number;
  readonly turns: Map<string, Turn<T>>;
  first: Turn<T> | undefined;
  last: Turn<T> | undefined;
}

/** A queue by priority that is fair between sessions. */
export class FairQueue<T extends Queued<T>> {
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
    for (const line of this.#lines) if (line.first !== undefined) return line.first.first;
    return undefined;
  }

  /**
   * Adds `item` behind all of its session and priority that came before it.
   *
   * @param since - When its session stood behind all others last, if it comes from another queue. Default: when it came.
   */
  push(item: T, since = item.order): void {
    const line = this.#lineOf(item.priority);
    let turn = line.turns.get(item.sessionId);
    const isNew = turn === undefined;
    if (turn === undefined) {
      turn = { line, sessionId: item.sessionId, since, first: undefined, last: undefined, before: undefined, after: undefined };
      line.turns.set(item.sessionId, turn);
    }
    insert(turn, item, (a, b) => a.order > b.order);
    item.turn = turn;
    this.#size++;
    if (isNew) insert(line, turn, isLater);
    else if (turn.first === item && since < turn.since) {
      // It was taken and has come back, so its session has not had its turn.
      unlink(line, turn);
      turn.since = since;
      insert(line, turn, isLater);
    }
  }

  /** All of them, those of one session and priority in their order. */
  all(): T[] {
    const items: T[] = [];
    for (const { first } of this.#lines) {
      for (let turn = first; turn !== undefined; turn = turn.after) {
        for (let item = turn.first; item !== undefined; item = item.after) items.push(item);
      }
    }
    return items;
  }

  /** Takes `item` out because its turn has come: its session stands behind all others of this priority. `now` is a count above every order so far. */
  take(item: T, now: number): void {
    const { turn } = item;
    this.remove(item);
    if (turn?.first === undefined) return;
    unlink(turn.line, turn);
    turn.since = now;
    insert(turn.line, turn, isLater);
  }

  /** Takes `item` out, which must be in this queue. */
  remove(item: T): void {
    const { turn } = item;
    if (turn === undefined) return;
    unlink(turn, item);
    item.turn = undefined;
    this.#size--;
    if (turn.first !== undefined) return;
    const { line } = turn;
    unlink(line, turn);
    line.turns.delete(turn.sessionId);
    if (line.first === undefined && line.priority !== 0) this.#lines.splice(this.#lines.indexOf(line), 1);
  }

  #lineOf(priority: number): Line<T> {
    let at = 0;
    for (; at < this.#lines.length; at++) {
      const line = this.#lines[at]!;
      if (line.priority === priority) return line;
      if (line.priority < priority) break;
    }
    const line: Line<T> = { priority, turns: new Map(), first: undefined, last: undefined };
    this.#lines.splice(at, 0, line);
    return line;
  }
}

interface Linked<N> {
  before: N | undefined;
  after: N | undefined;
}

interface Ends<N> {
  first: N | undefined;
  last: N | undefined;
}

/** Adds a node before those at the end that are later than it. */
function insert<N extends Linked<N>>(list: Ends<N>, node: N, isLater: (a: N, b: N) => boolean): void {
  let before = list.last;
  while (before !== undefined && isLater(before, node)) before = before.before;
  const after = before === undefined ? list.first : before.after;
  node.before = before;
  node.after = after;
  if (before === undefined) list.first = node;
  else before.after = node;
  if (after === undefined) list.last = node;
  else after.before = node;
}

function unlink<N extends Linked<N>>(list: Ends<N>, node: N): void {
  const { before, after } = node;
  if (before === undefined) list.first = after;
  else before.after = after;
  if (after === undefined) list.last = before;
  else after.before = before;
  node.before = node.after = undefined;
}

function isLater<T>(a: Turn<T>, b: Turn<T>): boolean {
  return a.since > b.since;
}
