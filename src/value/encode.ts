/**
 * JavaScript values as MessagePack, in one pass.
 *
 * Written for this protocol and not taken from a package, because the mapping is what the protocol is about: whole numbers of any size are
 * integers, what cannot travel is refused with its path, and large data leaves the value on the way. `docs/values.md` has the mapping.
 *
 * Nothing is spent on paths while all goes well but one store an entry: the keys that lead to the current value.
 */
import { PayloadTooLarge, UnsupportedValue } from "../errors/index.ts";
import { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { looksLikeTable, tableBytes } from "./arrow.ts";
import { bigIntegerToBytes } from "./big-integer.ts";
import { BUFFER_FROM_BYTES, type ValueSink } from "./buffers.ts";
import type { HostFunction } from "./host-function.ts";
import { Extension, MAX_DEPTH } from "./limits.ts";
import { NdArray } from "./nd-array.ts";
import { ObjectRef } from "./object-ref.ts";
import { formatPath, MAP_KEY, nameOf } from "./path.ts";
import { dtypeOf, elementSize } from "./typed-array.ts";
import { Writer } from "./writer.ts";

/** From this depth on every container is compared with those around it. Below, a cycle costs less than the comparison. */
const LOOK_FOR_CYCLES_FROM_DEPTH = 16;

// What Python's datetime holds: 0001-01-01 to 9999-12-31T23:59:59.999Z.
const FIRST_DATE_MS = -62_135_596_800_000;
const LAST_DATE_MS = 253_402_300_799_999;

/** Encodes one value after the other. Keeps its memory between calls, so have one for each connection. */
export class Encoder extends Writer {
  /** How many containers are around the current value, which they are, and by which keys they lead to it. */
  private depth = 0;
  private readonly around: unknown[] = [];
  private readonly keys: unknown[] = [];
  private sink: ValueSink | undefined;
  private busy = false;
  /** Encodes what stands in the payload of an extension. */
  private payloads: Encoder | undefined;

  /**
   * @param maxBytes Where it gives up on a value. Larger values are refused by their sender anyway; this keeps them from filling the memory first.
   * Default 64 MiB.
   */
  constructor(maxBytes = 67_108_864) {
    super(maxBytes);
  }

  /**
   * The MessagePack of `value`. The view is valid until the next call; from 256 KiB on it is the caller's for good.
   *
   * @param sink Takes what cannot stand in the value. Without one, bytes of any size stay in the value, and everything else of that kind is refused.
   * @throws UnsupportedValue naming the path of what cannot travel; PayloadTooLarge when memory would grow far over `maxBytes`.
   */
  encode(value: unknown, sink?: ValueSink): Uint8Array {
    // A getter or toJSON of the program's may come back here while a value is being read.
    if (this.busy) return new Encoder().encode(value, sink);
    this.busy = true;
    this.sink = sink;
    this.at = 0;
    this.depth = 0;
    try {
      this.write(value);
      return this.take();
    } catch (error) {
      if (error instanceof UnsupportedValue || error instanceof PayloadTooLarge) throw error;
      throw this.refusal(`reading it failed: ${error instanceof Error ? error.message : String(error)}`, error);
    } finally {
      this.busy = false;
      this.sink = undefined;
      if (this.depth > 0) this.around.length = 0;
    }
  }

  private write(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.string(value);
        break;
      case "number":
        this.number(value);
        break;
      case "boolean":
        this.byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this.byte(0xc0);
        break;
      case "object":
        if (value === null) this.byte(0xc0);
        else if (Array.isArray(value)) this.array(value);
        else if (isPlain(value)) this.object(value);
        else this.instance(value, true);
        break;
      case "bigint":
        this.bigint(value);
        break;
      case "function":
        // A class is a function too; Python is told so when it calls it.
        this.hostFunction(value as HostFunction);
        break;
      default:
        throw this.refusal(`it is a ${typeof value}`);
    }
  }

  private string(text: string): void {
    if (!this.text(text)) throw this.refusal("it is a string with half a surrogate pair, which is not Unicode");
  }

  private bigint(value: bigint): void {
    if (value >= -0x8000_0000_0000_0000n && value <= 0xffff_ffff_ffff_ffffn) this.integer64(value);
    else this.extension(Extension.INTEGER, bigIntegerToBytes(value));
  }

  private object(value: object): void {
    const names = Object.keys(value);
    // Where an input stream may stand, and where it would go as an empty object, an object with nothing but an iterator is not overlooked.
    if ((this.depth === 1 || names.length === 0) && Symbol.asyncIterator in value) {
      this.instance(value, true);
      return;
    }
    const record: { readonly [name: string]: unknown } = value as { readonly [name: string]: unknown };
    const depth = this.enter(value);
    const keys = this.keys;
    const head = this.at;
    let count = names.length;
    this.mapHead(count);
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      keys[depth] = name;
      const entry = record[name];
      if (entry === undefined) {
        count--;
        continue;
      }
      this.string(name);
      if (typeof entry === "string") this.string(entry);
      else if (typeof entry === "number") this.number(entry);
      else this.write(entry);
    }
    if (count !== names.length) this.patchMapHead(head, names.length, count);
    this.leave(depth);
  }

  private array(values: readonly unknown[]): void {
    const depth = this.enter(values);
    const keys = this.keys;
    const length = values.length;
    this.arrayHead(length);
    for (let i = 0; i < length; i++) {
      const value = values[i];
      if (typeof value === "number") {
        this.number(value);
      } else {
        keys[depth] = i;
        this.write(value);
      }
    }
    this.leave(depth);
  }

  /** Everything that is neither an array nor a plain object. */
  private instance(value: object, mayConvert: boolean): void {
    if (ArrayBuffer.isView(value)) this.arrayView(value);
    else if (value instanceof Date) this.date(value);
    else if (value instanceof Map) this.map(value);
    else if (value instanceof Set) this.set(value);
    else if (value instanceof ArrayBuffer || isShared(value)) this.plainBytes(new Uint8Array(value));
    else if (value instanceof NdArray) this.buffer(this.bytesOf(value.data), value.dtype, value.shape, Buffer_Kind.NUMPY);
    else if (value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt)
      this.write(value.valueOf());
    else if (value instanceof ObjectRef) this.objectRef(value);
    else if (isAsyncIterable(value)) this.inputStream(value);
    else if (looksLikeTable(value)) this.table(value);
    else if (value instanceof Promise) throw this.refusal("it is a Promise; await it first");
    else if (mayConvert && "toJSON" in value && typeof value.toJSON === "function") this.converted(value.toJSON());
    else throw this.refusal(`it is ${nameOf(value)}, which is no plain object`);
  }

  /** What a toJSON gave, which is not asked for another one. */
  private converted(value: unknown): void {
    const isInstance = typeof value === "object" && value !== null && !Array.isArray(value) && !isPlain(value);
    if (isInstance) this.instance(value, false);
    else this.write(value);
  }

  private table(value: object): void {
    const stream = tableBytes(value);
    if (stream === undefined) throw this.refusal('it looks like an Arrow table; call useArrow of "snakepit/arrow" first');
    this.buffer(stream, "arrow", [], Buffer_Kind.UNSPECIFIED);
  }

  private arrayView(view: ArrayBufferView): void {
    const dtype = view instanceof Uint8Array ? undefined : dtypeOf(view);
    const bytes = this.bytesOf(view);
    if (dtype === undefined) this.plainBytes(bytes);
    else this.buffer(bytes, dtype, [bytes.length / elementSize(dtype)], Buffer_Kind.TYPED);
  }

  private bytesOf(view: ArrayBufferView): Uint8Array {
    // An array without memory is no empty array: it had elements, in a lease that was released, or in a buffer that was moved elsewhere.
    if (view.byteLength === 0 && !isShared(view.buffer) && view.buffer.detached) throw this.refusal("its memory was given back");
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  private plainBytes(bytes: Uint8Array): void {
    if (bytes.length >= BUFFER_FROM_BYTES && this.sink !== undefined) this.buffer(bytes, "bytes", [], Buffer_Kind.UNSPECIFIED);
    else this.binary(bytes);
  }

  private buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): void {
    if (this.sink === undefined) throw this.refusal("it is an array of numbers in memory of its own, for which there is no place here");
    // Sockets refuse shared memory, and another thread might write to it.
    const own = isShared(data.buffer) ? data.slice() : data;
    this.reference(Extension.BUFFER, this.sink.buffer(own, dtype, shape, kind));
  }

  private inputStream(items: AsyncIterable<unknown>): void {
    if (this.sink?.inputStream === undefined) throw this.refusal(`it is an async iterable, which ${this.where()}`);
    if (this.depth !== 1) throw this.refusal("it is an async iterable, and only an argument itself may be one");
    this.reference(Extension.INPUT_STREAM, this.sink.inputStream(items));
  }

  private hostFunction(fn: HostFunction): void {
    if (this.sink?.hostFunction === undefined) throw this.refusal(`it is a function, which ${this.where()}`);
    this.reference(Extension.FUNCTION, this.sink.hostFunction(fn));
  }

  private where(): string {
    return this.sink?.overNetwork === true ? "cannot go through a gateway" : "only the arguments of a call may hold";
  }

  private objectRef({ session, worker, key, type, released }: ObjectRef): void {
    const own = this.sink?.objectSession;
    if (own === undefined) throw this.refusal(`it is a stored object, which ${this.where()}`);
    if (released) throw this.refusal("it is a stored object that was released");
    if (session !== own) throw this.refusal(`it is a stored object of session "${session}"`);
    this.payloads ??= new Encoder();
    this.extension(Extension.OBJECT, this.payloads.encode([session, worker, key, type]));
  }

  private date(date: Date): void {
    const ms = date.getTime();
    if (Number.isNaN(ms)) throw this.refusal("it is an invalid Date");
    if (ms < FIRST_DATE_MS || ms > LAST_DATE_MS) throw this.refusal("it is a Date outside the years 1 to 9999, which Python cannot hold");
    const seconds = Math.floor(ms / 1000);
    this.timestamp(seconds, (ms - seconds * 1000) * 1_000_000);
  }

  private map(map: ReadonlyMap<unknown, unknown>): void {
    const depth = this.enter(map);
    this.mapHead(map.size);
    for (const [key, value] of map) {
      this.keys[depth] = MAP_KEY;
      this.key(key);
      this.keys[depth] = key;
      this.write(value);
    }
    this.leave(depth);
  }

  /** Only what Python can have as a key: a dict cannot be hashed, and an array becomes a tuple. */
  private key(key: unknown): void {
    if (Array.isArray(key)) {
      const depth = this.enter(key);
      this.arrayHead(key.length);
      for (let i = 0; i < key.length; i++) {
        this.keys[depth] = i;
        this.key(key[i]);
      }
      this.leave(depth);
      return;
    }
    if (key === undefined) throw this.refusal("it is undefined");
    if (typeof key === "function") throw this.refusal("it is a function, which Python cannot have as a key");
    const hashable = typeof key !== "object" || key === null || key instanceof Date || key instanceof Uint8Array;
    if (!hashable) throw this.refusal(`it is ${nameOf(key)}, which Python cannot have as a key`);
    this.write(key);
  }

  private set(set: ReadonlySet<unknown>): void {
    const depth = this.enter(set);
    this.arrayHead(set.size);
    let i = 0;
    for (const value of set) {
      this.keys[depth] = i++;
      this.write(value);
    }
    this.leave(depth);
  }

  /** Goes into a container and answers how many were around it. */
  private enter(container: object): number {
    const depth = this.depth;
    if (depth >= LOOK_FOR_CYCLES_FROM_DEPTH) {
      if (this.around.lastIndexOf(container, depth - 1) >= 0) throw this.cycle(container);
      if (depth >= MAX_DEPTH) throw this.refusal(`it is nested deeper than ${MAX_DEPTH} levels`);
    }
    this.around[depth] = container;
    this.depth = depth + 1;
    return depth;
  }

  private leave(depth: number): void {
    this.depth = depth;
    // An idle connection keeps nothing of the program's alive.
    this.around[depth] = undefined;
  }

  private cycle(container: object): UnsupportedValue {
    const chain = [...this.around.slice(0, this.depth), container];
    // The cycle was gone around several times; its first return is the one to show.
    const back = chain.findIndex((other, depth) => chain.indexOf(other) < depth);
    this.depth = back;
    const start = formatPath(this.keys.slice(0, chain.indexOf(chain[back])));
    return this.refusal(`it is ${start} again, a cycle`);
  }

  private refusal(reason: string, cause?: unknown): UnsupportedValue {
    const path = formatPath(this.keys.slice(0, this.depth));
    return new UnsupportedValue({ path, reason }, cause === undefined ? {} : { cause });
  }
}

function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // The same in another realm.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value && typeof value[Symbol.asyncIterator] === "function";
}

function isShared(memory: object): memory is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== "undefined" && memory instanceof SharedArrayBuffer;
}
