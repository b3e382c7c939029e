/** An object that stays in Python. */

/** Where an object is, and how it is given up. */
export interface ObjectPlace {
  /** Session it is stored for. */
  readonly session: string;
  /** Worker it is stored in. */
  readonly worker: string;
  /** Its key there. */
  readonly key: string;
  /** Name of its type in Python. */
  readonly type: string;
}

/** Makes the references that stand in a value. Must not decode another value meanwhile. */
export interface ObjectReferences {
  objectRef(place: ObjectPlace): ObjectRef;
}

/**
 * A Python object that stays in its worker, as `snakepit.ref(obj)` returns it. Pass it back to calls of the same session, also inside other arguments: the
 * tool gets the object itself, and the call goes to the worker that has it. It is released by `release`, by `using`, and with its session. When
 * the worker has died, calls with it fail with ObjectLost.
 *
 * `Type` is what the program says it stands for; nothing checks it.
 */
export class ObjectRef<Type = unknown> implements Disposable {
  /** Session it is stored for. */
  readonly session: string;
  /** Worker it is stored in. */
  readonly worker: string;
  /** Its key there. */
  readonly key: string;
  /** Name of its type in Python, such as "sklearn.linear_model.LogisticRegression". */
  readonly type: string;
  declare private readonly _standsFor: Type;
  #onRelease: (() => void) | undefined;

  /** Made by this package alone. */
  constructor(place: ObjectPlace, onRelease: () => void) {
    this.session = place.session;
    this.worker = place.worker;
    this.key = place.key;
    this.type = place.type;
    this.#onRelease = onRelease;
  }

  /** Whether it was released. */
  get released(): boolean {
    return this.#onRelease === undefined;
  }

  /**
   * Lets go of the object. Calls with this reference fail from then on, those with ObjectLost that Python has not begun. May be called twice.
   */
  release(): void {
    const onRelease = this.#onRelease;
    this.#onRelease = undefined;
    onRelease?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
