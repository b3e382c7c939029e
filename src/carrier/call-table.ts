/** Calls in flight by their ids. */

/** What stands in a table. */
export interface TableEntry {
  /** Id on the wire while in the table, 0 otherwise. Written by the table alone. */
  wireId: number;
}

const FIRST_SLOTS = 1024;
/** Bits of an id that count; those above say whose call it is. */
const COUNT_BITS = 0x3fff_ffff;

/**
 * Calls in flight. An id is a number that counts up; its low bits are the slot, those above tell one use of the slot from the next, so an answer to
 * a call that has ended finds nothing. An id comes back after a thousand million calls.
 *
 * An array and not a Map: adding and taking allocate nothing and hash nothing.
 */
export class CallTable<T extends TableEntry> {
  /** Calls in the table. */
  size = 0;
  private readonly mark: number;
  private slots: (T | undefined)[] = new Array<T | undefined>(FIRST_SLOTS).fill(undefined);
  private mask = FIRST_SLOTS - 1;
  private count = 0;

  /** @param mark The bits above 30 of every id. */
  constructor(mark: number) {
    this.mark = mark;
  }

  /** Puts a call in and answers its id. */
  add(call: T): number {
    if (this.size * 2 > this.mask) this.grow();
    let count = this.count;
    do {
      count = (count + 1) & COUNT_BITS;
    } while (count === 0 || this.slots[count & this.mask] !== undefined);
    this.count = count;
    this.slots[count & this.mask] = call;
    this.size++;
    call.wireId = (count | this.mark) >>> 0;
    return call.wireId;
  }

  /** The call of this id, if it is in flight. */
  get(id: number): T | undefined {
    const call = this.slots[id & this.mask];
    return call !== undefined && call.wireId === id ? call : undefined;
  }

  /** Takes a call out. Answers false when it was not there. */
  remove(call: T): boolean {
    const slot = call.wireId & this.mask;
    if (call.wireId === 0 || this.slots[slot] !== call) return false;
    this.slots[slot] = undefined;
    call.wireId = 0;
    this.size--;
    return true;
  }

  /** Takes every call out. */
  clear(): T[] {
    const calls = this.slots.filter((call) => call !== undefined);
    for (const call of calls) this.remove(call);
    return calls;
  }

  private grow(): void {
    const calls = this.slots.filter((call) => call !== undefined);
    const length = this.slots.length * 2;
    this.slots = new Array<T | undefined>(length).fill(undefined);
    this.mask = length - 1;
    for (const call of calls) this.slots[call.wireId & this.mask] = call;
  }
}
