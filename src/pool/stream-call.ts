/** A call whose results are a stream, and the async iterator that programs see of it. */
import { Cancelled, type SnakepitError } from "../errors/index.ts";
import { hasInputStream, PoolCall } from "./call.ts";

/** Items that arrived together, and what they cost of the stream's credit. */
interface Batch {
  readonly items: readonly unknown[];
  readonly cost: number;
}

/** What is asked for when there is nothing yet. */
interface Waiter {
  resolve(items: readonly unknown[] | undefined): void;
  reject(error: SnakepitError): void;
}

/** A call of a streaming tool. Items wait in it until the program takes them; the tool stops when too many wait. */
export class StreamCall extends PoolCall {
  readonly streaming = true;
  #batches: Batch[] = [];
  /** What the items that the program holds cost; given back when it asks for more. */
  #taken = 0;
  #begun = false;
  #ended = false;
  #error: SnakepitError | undefined;
  #waiter: Waiter | undefined;

  /** Never once an item has arrived, nor when it has an input stream, which cannot be begun again. */
  get repeatable(): boolean {
    return !this.#begun && !hasInputStream(this.args);
  }

  /** The items that are there, or the next that come; undefined at the end. One at a time. */
  pull(): Promise<readonly unknown[] | undefined> {
    this.#release();
    const batch = this.#batches.shift();
    if (batch !== undefined) {
      this.#taken = batch.cost;
      return Promise.resolve(batch.items);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** The program wants no more. */
  leave(): void {
    this.owner.abandon(this, new Cancelled({ tool: this.tool }));
  }

  onResult(): void {}

  onItems(items: readonly unknown[], cost: number): void {
    this.#begun = true;
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#batches.push({ items, cost });
      return;
    }
    this.#waiter = undefined;
    this.#taken = cost;
    waiter.resolve(items);
  }

  onEnd(): void {
    this.owner.completed(this, 0, undefined);
    this.#ended = true;
    this.#waiter?.resolve(undefined);
    this.#waiter = undefined;
  }

  fail(error: SnakepitError): void {
    this.#error = error;
    // Items that came before a failure are still worth having; nobody waits for them after a cancel.
    if (error._tag === "Cancelled") this.#batches = [];
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  #release(): void {
    if (this.#taken > 0 && this.state === "sent") this.worker?.worker.connection.release(this, this.#taken);
    this.#taken = 0;
  }
}

const end: IteratorResult<never> = { value: undefined, done: true };

/**
 * The items of a streaming call, one by one. The call starts when the first is asked for. Leaving a `for await` over it, or calling `return`,
 * cancels it.
 */
export class ItemStream<T> implements AsyncIterableIterator<T> {
  readonly #begin: () => StreamCall | Promise<StreamCall>;
  #call: StreamCall | undefined;
  #items: readonly unknown[] = [];
  #at = 0;
  #over = false;
  #fetching: Promise<void> | undefined;

  /** `begin` makes and submits the call, or throws what it fails with. It may have to wait for something before. */
  constructor(begin: () => StreamCall | Promise<StreamCall>) {
    this.#begin = begin;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    // Several may be asked for at once: each waits for the one before.
    if (this.#fetching !== undefined) return this.#fetching.then(() => this.next());
    if (this.#at < this.#items.length) return Promise.resolve({ value: this.#take(), done: false });
    if (this.#over) return Promise.resolve(end);
    const first = this.#fetch();
    const settled = first.then(
      () => {},
      () => {},
    );
    this.#fetching = settled.then(() => {
      this.#fetching = undefined;
    });
    return first;
  }

  async return(): Promise<IteratorResult<T>> {
    this.#over = true;
    this.#items = [];
    this.#at = 0;
    this.#call?.leave();
    return end;
  }

  async #fetch(): Promise<IteratorResult<T>> {
    try {
      const call = this.#call ?? (await this.#beginning());
      const items = await call.pull();
      if (items !== undefined && !this.#over) {
        this.#items = items;
        this.#at = 0;
        return { value: this.#take(), done: false };
      }
    } catch (error) {
      // One who has left does not want to hear of the cancel that this caused.
      if (!this.#over) {
        this.#over = true;
        throw error;
      }
    }
    this.#over = true;
    return end;
  }

  async #beginning(): Promise<StreamCall> {
    const call = await this.#begin();
    this.#call = call;
    // Left while it waited.
    if (this.#over) call.leave();
    return call;
  }

  #take(): T {
    // What a tool returns has the type that the caller says it has.
    return this.#items[this.#at++] as T;
  }
}
