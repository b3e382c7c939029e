import { describe, expect, test } from "bun:test";
import { Packr } from "msgpackr";
import { UnsupportedValue } from "../errors/index.ts";
import { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { decode } from "./decode.ts";
import { Encoder, type HostFunction, NdArray, ObjectRef, type ReceivedBuffer, type ValueSink } from "./index.ts";

interface Sent {
  readonly data: Uint8Array;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly kind: Buffer_Kind;
}

class Collector implements ValueSink {
  readonly buffers: Sent[] = [];
  readonly streams: AsyncIterable<unknown>[] = [];
  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    return this.buffers.push({ data, dtype, shape, kind }) - 1;
  }
  inputStream(items: AsyncIterable<unknown>): number {
    return this.streams.push(items);
  }
}

const hex = (value: unknown, sink?: ValueSink): string => new Encoder().encode(value, sink).toHex();

function refusal(value: unknown, sink: ValueSink = new Collector()): { path: string; reason: string; cause: unknown } {
  try {
    new Encoder().encode(value, sink);
  } catch (error) {
    if (error instanceof UnsupportedValue) return { path: error.path, reason: error.reason, cause: error.cause };
    throw error;
  }
  throw new Error("it was encoded");
}

async function* numbers(): AsyncGenerator<number> {
  yield 1;
}

describe("numbers", () => {
  test("whole numbers are integers of the shortest form, also beyond 32 bits", () => {
    expect(hex(0)).toBe("00");
    expect(hex(127)).toBe("7f");
    expect(hex(128)).toBe("cc80");
    expect(hex(256)).toBe("cd0100");
    expect(hex(65_536)).toBe("ce00010000");
    expect(hex(2 ** 31)).toBe("ce80000000");
    expect(hex(2 ** 32)).toBe("cf0000000100000000");
    expect(hex(Number.MAX_SAFE_INTEGER)).toBe("cf001fffffffffffff");
    expect(hex(-32)).toBe("e0");
    expect(hex(-33)).toBe("d0df");
    expect(hex(-129)).toBe("d1ff7f");
    expect(hex(-32_769)).toBe("d2ffff7fff");
    expect(hex(-(2 ** 31) - 1)).toBe("d3ffffffff7fffffff");
    expect(hex(Number.MIN_SAFE_INTEGER)).toBe("d3ffe0000000000001");
  });

  test("fractions, negative zero, NaN, infinities and numbers too large to be exact are floats", () => {
    for (const value of [0.5, -0, Number.NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e300]) {
      expect(hex(value).slice(0, 2)).toBe("cb");
      expect(Object.is(decode(new Encoder().encode(value)), value)).toBe(true);
    }
  });

  test("bigints are integers of the shortest form, in the extension beyond 64 bits", () => {
    expect(hex(1n)).toBe("01");
    expect(hex(2n ** 64n - 1n)).toBe("cfffffffffffffffff");
    expect(hex(-(2n ** 63n))).toBe("d38000000000000000");
    expect(hex(2n ** 64n)).toBe("c70902010000000000000000");
    expect(hex(-(2n ** 63n) - 1n)).toBe("c70902ff7fffffffffffffff");
    expect(hex(2n ** 127n - 1n)).toBe("d8027fffffffffffffffffffffffffffffff");
    for (const bits of [300n, 3_000n, 600_000n]) {
      for (const value of [2n ** bits, -(2n ** bits), 2n ** bits - 1n]) expect(decode(new Encoder().encode(value)) === value).toBe(true);
    }
  });
});

/** What arguments of calls may hold. */
class Arguments extends Collector {
  readonly functions: HostFunction[] = [];
  readonly objectSession = "s";
  hostFunction(fn: HostFunction): number {
    return this.functions.push(fn);
  }
}

describe("functions", () => {
  test("are extension 4 with their number, wherever they stand but as a key", () => {
    const sink = new Arguments();
    const first = (): number => 1;
    const second = (): number => 2;
    expect(hex({ a: first, b: [{ c: second }] }, sink)).toBe("82a161d40401a1629181a163d40402");
    expect(sink.functions).toEqual([first, second]);
    expect(hex(new Map([[1, first]]), Object.assign(new Arguments(), { hostFunction: () => 70_000 }))).toBe("8101d60400011170");
    expect(refusal(new Map([[first, 1]]), sink)).toMatchObject({
      path: "$<key>",
      reason: "it is a function, which Python cannot have as a key",
    });
  });
});

describe("stored objects", () => {
  const ref = (session = "s"): ObjectRef => new ObjectRef({ session, worker: "w1", key: "k", type: "x.Model" }, () => {});

  test("are extension 5 with their place, wherever they stand", () => {
    const bytes = "d80594a173a27731a16ba7782e4d6f64656c";
    expect(hex(ref(), new Arguments())).toBe(bytes);
    expect(hex({ a: [ref()] }, new Arguments())).toBe(`81a16191${bytes}`);
    expect(hex([ref(), ref()], new Arguments())).toBe(`92${bytes}${bytes}`);
  });

  test("are refused outside the arguments of a call, of another session, and once they are released", () => {
    const reason = (value: ObjectRef, sink: ValueSink): string => refusal({ a: value }, sink).reason;
    expect(reason(ref(), new Collector())).toBe("it is a stored object, which only the arguments of a call may hold");
    expect(reason(ref("other"), new Arguments())).toBe('it is a stored object of session "other"');
    const released = ref();
    released.release();
    expect(refusal({ a: released }, new Arguments())).toMatchObject({ path: "$.a", reason: "it is a stored object that was released" });
  });
});

describe("text", () => {
  test("the head fits the bytes, not the characters", () => {
    for (const length of [0, 1, 31, 32, 33, 255, 256, 65_535, 65_536]) {
      for (const letter of ["x", "é", "€", "😀"]) {
        const value = letter.repeat(length);
        const bytes = new Encoder().encode(value);
        expect(Buffer.from(bytes).equals(new Packr({ useRecords: false }).pack(value))).toBe(true);
        expect(decode(bytes)).toBe(value);
      }
    }
  });

  test("half a surrogate pair is refused, in values and in keys", () => {
    expect(refusal({ a: ["ok", "\ud800"] })).toMatchObject({ path: "$.a[1]", reason: expect.stringContaining("surrogate") });
    expect(refusal({ a: `${"x".repeat(100)}\udfff` }).path).toBe("$.a");
    expect(refusal({ "\udc00": 1 }).path).toBe('$["\\udc00"]');
  });
});

describe("containers", () => {
  test("undefined properties are left out, in arrays and alone undefined is null", () => {
    expect(decode(new Encoder().encode({ a: undefined, b: 1, c: undefined }))).toEqual({ b: 1 });
    expect(decode(new Encoder().encode(new Array(2).concat(1)))).toEqual([null, null, 1]);
    expect(decode(new Encoder().encode(undefined))).toBeNull();
    const wide = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i % 2 === 0 ? i : undefined]));
    expect(Object.keys(decode(new Encoder().encode(wide)) as object)).toHaveLength(35_000);
  });

  test("an own property named __proto__ is a property like others, in both directions", () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":true},"a":1}');
    const back = decode(new Encoder().encode(value)) as object;
    expect(Object.keys(back)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
    expect("polluted" in back).toBe(false);
  });

  test("objects without prototype travel, and only own enumerable properties do", () => {
    const bare: { a?: number } = Object.create(null);
    bare.a = 1;
    Object.defineProperty(bare, "hidden", { value: 2 });
    expect(decode(new Encoder().encode(bare))).toEqual({ a: 1 });
  });

  test("Maps keep keys of any kind that Python can have, Sets become arrays", () => {
    const map = new Map<unknown, unknown>([
      [1, "a"],
      ["b", 2],
      [null, 3],
      [true, 4],
      [1.5, 5],
      [2n ** 70n, 6],
      [new Date(0), 7],
      [["x", 1], 8],
    ]);
    expect(decode(new Encoder().encode(map))).toEqual(map);
    expect(decode(new Encoder().encode(new Map([["a", 1]])))).toEqual({ a: 1 });
    expect(decode(new Encoder().encode(new Set([1, "a"])))).toEqual([1, "a"]);
  });

  test("a key that Python cannot have is refused", () => {
    expect(refusal({ m: new Map([[{}, 1]]) })).toMatchObject({
      path: "$.m<key>",
      reason: "it is an object, which Python cannot have as a key",
    });
    expect(refusal({ m: new Map([[["a", new Set()], 1]]) }).path).toBe("$.m<key>[1]");
    expect(refusal(new Map([[undefined, 1]])).path).toBe("$<key>");
  });
});

describe("objects of classes", () => {
  test("dates are timestamps in their shortest form", () => {
    expect(hex(new Date(0))).toBe("d6ff00000000");
    expect(hex(new Date(1_500))).toBe("d7ff773594000000000" + "1");
    expect(hex(new Date(-1))).toBe("c70cff3b8b87c0ffffffffffffffff");
    for (const ms of [0, 1, -1, 1_700_000_000_123, -62_135_596_800_000, 253_402_300_799_999, 2 ** 34 * 1000]) {
      expect((decode(new Encoder().encode(new Date(ms))) as Date).getTime()).toBe(ms);
    }
  });

  test("dates that Python cannot hold are refused", () => {
    expect(refusal({ at: new Date(Number.NaN) })).toMatchObject({ path: "$.at", reason: "it is an invalid Date" });
    expect(refusal(new Date(253_402_300_800_000)).reason).toContain("years 1 to 9999");
    expect(refusal(new Date(-62_135_596_800_001)).reason).toContain("years 1 to 9999");
  });

  test("boxed primitives are what they box", () => {
    expect(decode(new Encoder().encode([Object(1.5), Object("a"), Object(true), Object(2n ** 60n)]))).toEqual([1.5, "a", true, 2n ** 60n]);
  });

  test("toJSON speaks for an object, once", () => {
    class Celsius {
      toJSON() {
        return { degrees: 20 };
      }
    }
    class Strange {
      toJSON() {
        return new Strange();
      }
    }
    expect(decode(new Encoder().encode({ t: new Celsius(), url: new URL("http://h/p") }))).toEqual({
      t: { degrees: 20 },
      url: "http://h/p",
    });
    expect(refusal({ s: new Strange() })).toMatchObject({ path: "$.s", reason: "it is a Strange, which is no plain object" });
  });

  test("what cannot travel is refused with its path before anything is sent", () => {
    class Point {
      x = 1;
    }
    expect(refusal({ rows: [1, { ok: 1 }, { f() {} }] })).toMatchObject({
      path: "$.rows[2].f",
      reason: "it is a function, which only the arguments of a call may hold",
    });
    expect(refusal({ "a b": Symbol("s") })).toMatchObject({ path: '$["a b"]', reason: "it is a symbol" });
    expect(refusal({ p: new Point() }).reason).toBe("it is a Point, which is no plain object");
    expect(refusal([new WeakMap()]).path).toBe("$[0]");
    expect(refusal({ e: new TypeError("x") }).reason).toBe("it is a TypeError, which is no plain object");
    expect(refusal({ e: Promise.resolve(1) }).reason).toBe("it is a Promise; await it first");
    expect(refusal({ re: /x/ }).reason).toBe("it is a RegExp, which is no plain object");
    expect(refusal({ g: (function* () {})() }).path).toBe("$.g");
    expect(refusal(new Map([["m", new Map([[1, () => 1]])]])).path).toBe("$.m[1]");
    expect(refusal({ s: new Set([1, 2, Symbol.iterator]) }).path).toBe("$.s[2]");
    expect(refusal(() => 1).path).toBe("$");
  });

  test("an encoder that refused a value takes the next one", () => {
    const encoder = new Encoder();
    expect(() => encoder.encode({ a: { b: () => 1 } })).toThrow(UnsupportedValue);
    expect(decode(encoder.encode({ a: { b: 2 } }))).toEqual({ a: { b: 2 } });
  });

  test("a getter that throws is named, and its error is the cause", () => {
    const cause = new Error("broken");
    const value = {
      ok: 1,
      get bad(): never {
        throw cause;
      },
    };
    expect(refusal({ v: [value] })).toEqual({ path: "$.v[0].bad", reason: "reading it failed: broken", cause });
  });

  test("a getter may encode another value meanwhile", () => {
    const encoder = new Encoder();
    const value = {
      a: "first",
      get b() {
        return decode(encoder.encode({ inner: [1, 2, 3] }));
      },
    };
    expect(decode(encoder.encode(value))).toEqual({ a: "first", b: { inner: [1, 2, 3] } });
  });
});

describe("depth", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { v: value };
    return value;
  };

  test("500 levels travel, one more is refused", () => {
    expect(decode(new Encoder().encode(nested(500)))).toEqual(nested(500));
    expect(refusal(nested(501)).reason).toBe("it is nested deeper than 500 levels");
    expect(refusal(nested(100_000)).reason).toBe("it is nested deeper than 500 levels");
  });

  test("a cycle is refused where it closes", () => {
    const self: { me?: unknown } = {};
    self.me = self;
    expect(refusal(self)).toMatchObject({ path: "$.me", reason: "it is $ again, a cycle" });
    const child: { parent?: unknown } = {};
    const parent = { children: [child] };
    child.parent = parent;
    expect(refusal({ tree: parent })).toMatchObject({ path: "$.tree.children[0].parent", reason: "it is $.tree again, a cycle" });
    const map = new Map<string, unknown>();
    map.set("in", new Set([map]));
    expect(refusal({ map })).toMatchObject({ path: "$.map.in[0]", reason: "it is $.map again, a cycle" });
    const long: { next?: object } = {};
    let last = long;
    for (let i = 0; i < 40; i++) last = last.next = {};
    last.next = long;
    expect(refusal(long).reason).toBe("it is $ again, a cycle");
  });

  test("an object that stands in several places is no cycle", () => {
    const shared = { a: 1 };
    let value: unknown = shared;
    for (let i = 0; i < 30; i++) value = [shared, value, shared];
    expect(() => new Encoder().encode(value)).not.toThrow();
  });
});

describe("buffers", () => {
  test("small bytes stay in the value, large ones go beside it", () => {
    const sink = new Collector();
    const large = new Uint8Array(65_536);
    const bytes = new Encoder().encode(
      { small: new Uint8Array([1, 2]), buffer: Buffer.from("ab"), memory: new ArrayBuffer(1), large },
      sink,
    );
    expect(sink.buffers).toEqual([{ data: large, dtype: "bytes", shape: [], kind: Buffer_Kind.UNSPECIFIED }]);
    expect(sink.buffers[0]!.data.buffer).toBe(large.buffer);
    const buffers = [{ ...sink.buffers[0]!, owned: true }];
    expect(decode(bytes, 0, bytes.length, buffers)).toEqual({
      small: new Uint8Array([1, 2]),
      buffer: new Uint8Array([97, 98]),
      memory: new Uint8Array(1),
      large,
    });
    for (const length of [255, 256, 65_535, 65_536]) expect(decode(new Encoder().encode(new Uint8Array(length)))).toHaveLength(length);
  });

  test("a view sends the bytes it looks at and no others", () => {
    const memory = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8]).buffer;
    expect(decode(new Encoder().encode(new DataView(memory, 2, 3)))).toEqual(new Uint8Array([2, 3, 4]));
    const sink = new Collector();
    new Encoder().encode(new Uint16Array(memory, 2, 2), sink);
    expect(sink.buffers).toEqual([{ data: new Uint8Array([2, 3, 4, 5]), dtype: "u2", shape: [2], kind: Buffer_Kind.TYPED }]);
  });

  test("every typed array is named by its dtype", () => {
    const sink = new Collector();
    const arrays = [
      new Int8Array(1),
      new Uint8ClampedArray(1),
      new Int16Array(1),
      new Uint16Array(1),
      new Int32Array(1),
      new Uint32Array(1),
      new BigInt64Array(1),
      new BigUint64Array(1),
      new Float16Array(1),
      new Float32Array(1),
      new Float64Array(1),
    ];
    new Encoder().encode(arrays, sink);
    expect(sink.buffers.map((buffer) => buffer.dtype)).toEqual(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]);
    expect(sink.buffers.every((buffer) => buffer.kind === Buffer_Kind.TYPED && buffer.shape[0] === 1)).toBe(true);
  });

  test("the number of a buffer may be of any size", () => {
    for (const index of [0, 255, 256, 65_535, 65_536, 4_000_000]) {
      const bytes = new Encoder().encode(new Int8Array(1), { buffer: () => index });
      const at: ReceivedBuffer[] = [];
      at[index] = { data: new Uint8Array([5]), dtype: "i1", shape: [1], kind: Buffer_Kind.TYPED, owned: true };
      expect(decode(bytes, 0, bytes.length, at)).toEqual(new Int8Array([5]));
    }
  });

  test("an NdArray says its shape and dtype", () => {
    const sink = new Collector();
    expect(hex(new NdArray(new Float64Array([0, 1, 2, 3]), [2, 1], "c16"), sink)).toBe("d40100");
    expect(sink.buffers[0]).toMatchObject({ dtype: "c16", shape: [2, 1], kind: Buffer_Kind.NUMPY });
  });

  test("shared memory is copied out", () => {
    const sink = new Collector();
    new Encoder().encode(new Int32Array(new SharedArrayBuffer(8)), sink);
    expect(sink.buffers[0]!.data.buffer).toBeInstanceOf(ArrayBuffer);
    expect(decode(new Encoder().encode(new SharedArrayBuffer(2)))).toEqual(new Uint8Array(2));
  });

  test("without a place for buffers, arrays of numbers are refused", () => {
    expect(() => new Encoder().encode({ x: new Float64Array(1) })).toThrow("The value at $.x cannot travel");
  });

  test("memory that was transferred away is refused", () => {
    const array = new Float64Array(2);
    array.buffer.transfer();
    expect(refusal({ array }).path).toBe("$.array");
  });
});

describe("input streams", () => {
  test("an argument may be an async iterable, of a class or plain", () => {
    const sink = new Collector();
    const plain = { [Symbol.asyncIterator]: numbers };
    expect(hex({ a: numbers(), b: plain }, sink)).toBe("82a161d40301a162d40302");
    expect(sink.streams[1]).toBe(plain);
  });

  test("nothing deeper may, and nothing where there are no calls", () => {
    expect(refusal({ a: [numbers()] })).toMatchObject({ path: "$.a[0]", reason: expect.stringContaining("only an argument itself") });
    expect(refusal({ a: [{ [Symbol.asyncIterator]: numbers }] }).path).toBe("$.a[0]");
    expect(refusal(numbers()).path).toBe("$");
    expect(refusal({ a: numbers() }, { buffer: () => 0 }).reason).toContain("only the arguments of a call");
  });
});

describe("memory", () => {
  test("values of any size fit, and small ones stay right after large ones", () => {
    const encoder = new Encoder();
    for (const length of [10, 16_000, 70_000, 300_000, 3, 1_000_000, 5]) {
      const value = { text: "y".repeat(length), numbers: Array.from({ length: length / 10 }, (_, i) => i * 1.5) };
      expect(decode(encoder.encode(value))).toEqual(value);
    }
  });

  test("a large result is the caller's for good", () => {
    const encoder = new Encoder();
    const large = encoder.encode("a".repeat(300_000));
    const before = large.slice();
    encoder.encode("b".repeat(300_000));
    expect(Buffer.from(large).equals(before)).toBe(true);
  });

  test("a value far over the limit stops instead of filling the memory", () => {
    const sparse: unknown[] = [];
    sparse.length = 4_000_000_000;
    expect(() => new Encoder(1_000_000).encode(sparse)).toThrow("raise it with the option");
  });
});
