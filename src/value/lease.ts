/** A value whose arrays look at memory that is lent. */

/**
 * The result of a call with `view: true`: its large arrays lie in memory that is shared with the worker, instead of being copied out of it. Release it when
 * you have done, by `using` or `release`: from then on those arrays are empty (length 0), and the worker uses the memory again. What is small, or came over the
 * socket, is the program's own and stays.
 *
 * The arrays stay readable when the worker has died. Of a lease that is forgotten the worker gets nothing back before the arrays are collected as garbage,
 * which happens between tasks only: a loop that awaits one call after the other may never get there.
 *
 * @example
 * using scaled = await pit.execute<Float64Array>("scale", { x, by: 2 }, { view: true });
 * console.log(scaled.value[0]);
 */
export class Lease<Value> implements Disposable {
  /** The result. */
  readonly value: Value;
  #onRelease: (() => void) | undefined;
  #released = false;

  /** Made by this package alone. */
  constructor(value: Value, onRelease?: () => void) {
    this.value = value;
    this.#onRelease = onRelease;
  }

  /** Whether it was released. */
  get released(): boolean {
    return this.#released;
  }

  /** Gives the memory back. The arrays that lie in it are empty from then on, whoever has them. May be called twice. */
  release(): void {
    const onRelease = this.#onRelease;
    this.#released = true;
    this.#onRelease = undefined;
    onRelease?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
