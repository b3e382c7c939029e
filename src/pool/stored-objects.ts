/** The objects that workers store for one session, as far as the program holds references to them. */
import { create } from "@bufbuild/protobuf";
import { InvalidArguments, isSnakepitError, ProtocolError } from "../errors/index.ts";
import { HostEventSchema, ObjectsReleasedSchema } from "../gen/snakepit/v1/frame_pb.ts";
import { MAX_DEPTH } from "../value/limits.ts";
import { type ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import { formatPath } from "../value/path.ts";
import type { Worker } from "../worker/worker.ts";

/** Whether this program was given any reference. Until then nobody looks for them among arguments. */
let given = false;

/** References to the stored objects of one session in one pool. */
export class StoredObjects {
  readonly #session: string;
  readonly #refs = new Set<ObjectRef>();
  /** How many references each object has, by worker and key. */
  readonly #counts = new Map<string, number>();
  #closed = false;

  constructor(session: string) {
    this.#session = session;
  }

  /** Makes a reference to an object that `worker` has told of. Throws ProtocolError when it is not that worker's to tell of. */
  add(place: ObjectPlace, worker: Worker): ObjectRef {
    if (place.session !== this.#session || place.worker !== worker.id) {
      throw new ProtocolError({ reason: "a stored object of another session or worker" });
    }
    given = true;
    const name = nameOf(place);
    const ref = new ObjectRef(place, () => {
      this.#refs.delete(ref);
      const left = (this.#counts.get(name) ?? 1) - 1;
      if (left > 0) this.#counts.set(name, left);
      else {
        this.#counts.delete(name);
        // With its session everything of it is forgotten at once.
        if (!this.#closed) worker.connection.send(released(place));
      }
    });
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#refs.add(ref);
    // The call went on when its session was closed.
    if (this.#closed) ref.release();
    return ref;
  }

  /**
   * The object among these arguments, any of several in one worker; undefined when there is none. Throws InvalidArguments when one was released, is
   * another session's, or is in another worker than the rest.
   */
  among(tool: string, args: object): ObjectRef | undefined {
    if (!given) return undefined;
    let found: ObjectRef | undefined;
    const look = (ref: ObjectRef, steps: readonly unknown[]): void => {
      const refuse = (expected: string): never => {
        throw new InvalidArguments({ tool, argument: String(steps[0]), path: formatPath(steps), expected });
      };
      if (ref.released) refuse("a stored object that was not released");
      if (!this.#refs.has(ref)) refuse(`a stored object of session "${this.#session}"`);
      if (found !== undefined && ref.worker !== found.worker) refuse(`a stored object of worker ${found.worker}, as the others are`);
      found ??= ref;
    };
    try {
      visit(args, [], new Set(), look);
    } catch (error) {
      // What the program's own getters throw is told when the arguments are encoded.
      if (isSnakepitError(error)) throw error;
    }
    return found;
  }

  /** Marks every reference as released. */
  close(): void {
    this.#closed = true;
    for (const ref of this.#refs) ref.release();
  }
}

function nameOf({ worker, key }: ObjectPlace): string {
  return `${worker} ${key}`;
}

function released({ session, key }: ObjectPlace) {
  const value = create(ObjectsReleasedSchema, { sessionId: session, keys: [key] });
  return create(HostEventSchema, { event: { case: "objectsReleased", value } });
}

/** Calls `onRef` for each reference within `value`. What was seen before, and what is deeper than can travel, is not looked at. */
function visit(value: object, steps: unknown[], seen: Set<object>, onRef: (ref: ObjectRef, steps: readonly unknown[]) => void): void {
  if (value instanceof ObjectRef) {
    onRef(value, steps);
    return;
  }
  if (steps.length > MAX_DEPTH || seen.has(value)) return;
  seen.add(value);
  for (const [step, item] of entries(value)) {
    if (typeof item !== "object" || item === null) continue;
    steps.push(step);
    visit(item, steps, seen, onRef);
    steps.pop();
  }
}

function entries(value: object): Iterable<readonly [unknown, unknown]> {
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return value.entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.entries(value) : [];
}
