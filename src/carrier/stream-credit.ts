/** Flow control of one stream: what came and waits to be taken, and what may still be sent. */

/** Messages in the order they came, for one reader. Taking them gives credit back. */
export class IncomingMessages<T> implements AsyncIterableIterator<T> {
  private readonly window: number;
  private readonly onTaken: (credit: number) => void;
  private readonly onLeft: () => void;
  private queue: { readonly value: T; readonly cost: number }[] = [];
  private taken = 0;
  private isOver = false;
  private error: unknown;
  private waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void } | undefined;

  /**
   * @param window What the other side may send before it hears of credit, in bytes.
   * @param onTaken Gives credit back to the other side.
   * @param onLeft The reader has left before the end.
   */
  constructor(window: number, onTaken: (credit: number) => void, onLeft: () => void) {
    this.window = window;
    this.onTaken = onTaken;
    this.onLeft = onLeft;
  }

  /** A message came. */
  push(value: T, cost: number): void {
    if (this.isOver) return;
    const { waiting } = this;
    if (waiting === undefined) {
      this.queue.push({ value, cost });
      return;
    }
    this.waiting = undefined;
    this.take(cost);
    waiting.resolve({ done: false, value });
  }

  /** Nothing more comes. What came before is still read first. */
  end(error?: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(this.takeError());
  }

  /** Nothing more comes, and what waits is dropped. */
  abort(error: unknown): void {
    this.queue = [];
    this.end(error);
  }

  next(): Promise<IteratorResult<T>> {
    const first = this.queue.shift();
    if (first !== undefined) {
      if (!this.isOver) this.take(first.cost);
      return Promise.resolve({ done: false, value: first.value });
    }
    if (!this.isOver) {
      return new Promise((resolve, reject) => {
        this.waiting = { resolve, reject };
      });
    }
    return this.error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.takeError());
  }

  return(): Promise<IteratorResult<T>> {
    const wasOver = this.isOver;
    this.queue = [];
    this.error = undefined;
    this.end();
    if (!wasOver) this.onLeft();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private take(cost: number): void {
    this.taken += cost;
    if (this.taken * 2 < this.window) return;
    this.onTaken(this.taken);
    this.taken = 0;
  }

  /** An iterator fails once and is at its end after that. */
  private takeError(): unknown {
    const { error } = this;
    this.error = undefined;
    return error;
  }
}

/** What one side may still send. */
export class SendCredit {
  private left: number;
  private wake: (() => void) | undefined;
  private isOver = false;

  constructor(window: number) {
    this.left = window;
  }

  /** Resolves when something may be sent, to false when the stream is over. For one sender. */
  async ready(): Promise<boolean> {
    while (this.left <= 0 && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return !this.isOver;
  }

  spend(cost: number): void {
    this.left -= cost;
  }

  grant(credit: number): void {
    this.left += credit;
    if (this.left > 0) this.wakeUp();
  }

  stop(): void {
    this.isOver = true;
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}
