import { describe, expect, test } from "bun:test";
import { ProtocolError } from "../errors/index.ts";
import { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { decode, Encoder, NdArray, ObjectRef, type ObjectReferences, type ReceivedBuffer } from "./index.ts";

const from = (hex: string, buffers?: readonly ReceivedBuffer[]): unknown => {
  const bytes = Uint8Array.fromHex(hex);
  return decode(bytes, 0, bytes.length, buffers);
};

const received = (
  data: Uint8Array,
  dtype: string,
  shape: readonly number[],
  kind: Buffer_Kind = Buffer_Kind.NUMPY,
  owned = true,
): ReceivedBuffer => ({
  data,
  dtype,
  shape,
  kind,
  owned,
});

describe("numbers", () => {
  test("every form of MessagePack is read", () => {
    expect(from("9300e0ff")).toEqual([0, -32, -1]);
    expect(from("94ccff" + "cdffff" + "ceffffffff" + "cf001fffffffffffff")).toEqual([255, 65_535, 4_294_967_295, Number.MAX_SAFE_INTEGER]);
    expect(from("94d080" + "d18000" + "d280000000" + "d3ffe0000000000001")).toEqual([
      -128,
      -32_768,
      -2_147_483_648,
      Number.MIN_SAFE_INTEGER,
    ]);
    expect(from("92ca3fc00000" + "cb3ff8000000000000")).toEqual([1.5, 1.5]);
  });

  test("an integer that a number cannot hold exactly is a bigint", () => {
    expect(from("cf0020000000000000")).toBe(2n ** 53n);
    expect(from("cfffffffffffffffff")).toBe(2n ** 64n - 1n);
    expect(from("d3ffe0000000000000")).toBe(-(2n ** 53n));
    expect(from("d38000000000000000")).toBe(-(2n ** 63n));
    expect(from("c70902010000000000000000")).toBe(2n ** 64n);
    expect(from("c70902ff7fffffffffffffff")).toBe(-(2n ** 63n) - 1n);
  });
});

describe("text", () => {
  test("a byte order mark and a replacement character are characters like others", () => {
    for (const value of ["\ufeffabc", "\ufffd", "a\ufffdb".repeat(30)]) expect(decode(new Encoder().encode(value))).toBe(value);
    expect(decode(new Encoder().encode({ "\ufeff": "\ufffd", "\ufffd": 1 }))).toEqual({ "\ufeff": "\ufffd", "\ufffd": 1 });
  });

  test("what is no UTF-8 is refused, in values and in keys", () => {
    expect(() => from("a1ff")).toThrow("a string is not UTF-8");
    expect(() => from("81a3eda08001")).toThrow("a string is not UTF-8");
  });

  test("keys of equal length and hash stay apart", () => {
    // "Aa" and "BB" are the classic pair for this hash.
    for (let i = 0; i < 3; i++) expect(from("82a241610" + "1a2424202")).toEqual({ Aa: 1, BB: 2 });
  });
});

describe("containers", () => {
  test("a map with only string keys is an object, any other a Map in the same order", () => {
    expect(from("82a16101a16202")).toEqual({ a: 1, b: 2 });
    expect(from("83a1610101c0a16203")).toEqual(
      new Map<unknown, unknown>([
        ["a", 1],
        [1, null],
        ["b", 3],
      ]),
    );
    expect(from("819201a17805")).toEqual(new Map([[[1, "x"], 5]]));
    expect(from("80")).toEqual({});
  });

  test("lengths that claim more than is there are refused without allocating", () => {
    for (const hex of ["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff02", "dcffff00", "deffff00", "df8000000000"]) {
      expect(() => from(hex)).toThrow(ProtocolError);
    }
  });

  test("nesting beyond 2,000 levels is refused", () => {
    expect(from(`${"91".repeat(2_000)}01`)).toBeArray();
    expect(() => from(`${"91".repeat(2_001)}01`)).toThrow("nested deeper than 2000 levels");
    expect(() => from(`${"81a161".repeat(100_000)}01`)).toThrow("nested deeper than 2000 levels");
  });
});

describe("in place", () => {
  test("only the range is read, and nothing of it stays in use", () => {
    const value = { key: "some text", bytes: new Uint8Array([1, 2, 3]), at: new Date(5), f: 1.5 };
    const encoded = new Encoder().encode(value);
    for (const memory of [Buffer.alloc(200, 0xc1), new Uint8Array(200).fill(0xc1).subarray(3)]) {
      memory.set(encoded, 50);
      const back = decode(memory, 50, 50 + encoded.length) as typeof value;
      memory.fill(0);
      expect(back).toEqual(value);
      expect(back.bytes.constructor).toBe(Uint8Array);
    }
  });

  test("bytes behind the value, or none at all, are refused", () => {
    expect(() => from("0102")).toThrow("has bytes after its end");
    expect(() => from("")).toThrow("ends too early");
  });
});

describe("extensions", () => {
  test("timestamps of all three forms, with nanoseconds cut to milliseconds downwards", () => {
    expect(from("d6ff00000001")).toEqual(new Date(1_000));
    expect(from("d7ffee6b27fc00000000")).toEqual(new Date(999));
    expect(from("c70cff3b9ac9ffffffffffffffffff")).toEqual(new Date(-1));
  });

  test("malformed ones are refused", () => {
    for (const hex of [
      "d40701",
      "d4ff00",
      "d7ffffffffff00000000",
      "c70cff000000007fffffffffffffff",
      "c70002",
      "c70001",
      "c7050100000000" + "00",
      "d40301",
    ]) {
      expect(() => from(hex)).toThrow(ProtocolError);
    }
  });

  test("an object that is stored in Python becomes a reference, anywhere in the value", () => {
    const places: unknown[] = [];
    const references: ObjectReferences = {
      objectRef(place) {
        places.push(place);
        return new ObjectRef(place, () => {});
      },
    };
    const packed = "c71005" + "94a173a27731a16ba7782e4d6f64656c";
    const place = { session: "s", worker: "w1", key: "k", type: "x.Model" };
    const bytes = Uint8Array.fromHex(`0092${packed}81a161${packed}07`);
    const value = decode(bytes, 1, bytes.length - 1, [], references) as [ObjectRef, { a: ObjectRef }];
    expect(places).toEqual([place, place]);
    expect(value[0]).toBeInstanceOf(ObjectRef);
    expect(value[1].a).toMatchObject({ ...place, released: false });
    // Where there can be none it is an extension like any unknown one, also right after one was read.
    expect(() => from(packed)).toThrow("has the unknown extension 5");
  });

  test("an object whose place is malformed is refused", () => {
    const references: ObjectReferences = { objectRef: (place) => new ObjectRef(place, () => {}) };
    // Nothing; no array; three parts; a part that is no text; bytes after the array; an array that ends outside.
    for (const hex of ["c70005", "d40501", "d60593a0a0a0", "c7050594a0a0a001", "c7060594a0a0a0a0a0", "d60594a0a0a0a0"]) {
      const bytes = Uint8Array.fromHex(hex);
      expect(() => decode(bytes, 0, bytes.length, [], references)).toThrow(ProtocolError);
    }
  });

  test("a buffer that did not come is refused", () => {
    expect(() => from("d40100")).toThrow("names a buffer that did not come");
    expect(() => from("d60180000000", [received(new Uint8Array(1), "bytes", [])])).toThrow(ProtocolError);
  });
});

describe("buffers", () => {
  const eight = (): Uint8Array => new Uint8Array(new Float64Array([1.5]).buffer);

  test("plain bytes come as Uint8Array, without a copy where the memory is theirs", () => {
    const data = Buffer.from("abc");
    const own = from("d40100", [received(data, "bytes", [], Buffer_Kind.UNSPECIFIED)]) as Uint8Array;
    expect(own.constructor).toBe(Uint8Array);
    expect(own.buffer).toBe(data.buffer);
    const copy = from("d40100", [received(data, "bytes", [], Buffer_Kind.UNSPECIFIED, false)]) as Uint8Array;
    data.fill(0);
    expect(copy).toEqual(new Uint8Array([97, 98, 99]));
  });

  test("one dimension of a dtype that JavaScript has comes as that array", () => {
    const types = {
      i1: Int8Array,
      u1: Uint8Array,
      i2: Int16Array,
      u2: Uint16Array,
      i4: Int32Array,
      u4: Uint32Array,
      i8: BigInt64Array,
      u8: BigUint64Array,
      f2: Float16Array,
      f4: Float32Array,
      f8: Float64Array,
    };
    for (const [dtype, Type] of Object.entries(types)) {
      const value = from("d40100", [received(eight(), dtype, [8 / Type.BYTES_PER_ELEMENT])]);
      expect(value).toBeInstanceOf(Type);
      expect(new Uint8Array((value as Uint8Array).buffer)).toEqual(eight());
    }
  });

  test("everything else comes as an NdArray, whose data is in the nearest array", () => {
    const cases = [
      ["f8", [1, 1], Float64Array],
      ["f8", [], Float64Array],
      ["b1", [8], Uint8Array],
      ["c8", [1], Float32Array],
      ["c16", [0], Float64Array],
      ["M8[ns]", [1], BigInt64Array],
      ["m8[10us]", [1], BigInt64Array],
    ] as const;
    for (const [dtype, shape, Type] of cases) {
      const value = from("d40100", [received(dtype === "c16" ? new Uint8Array(0) : eight(), dtype, shape)]) as NdArray;
      expect(value).toBeInstanceOf(NdArray);
      expect(value.data).toBeInstanceOf(Type);
      expect([value.dtype, value.shape]).toEqual([dtype, shape]);
    }
  });

  test("memory at an odd address is copied to an even one", () => {
    const memory = new Uint8Array(9);
    memory.set(eight(), 1);
    expect(from("d40100", [received(memory.subarray(1), "f8", [1])])).toEqual(new Float64Array([1.5]));
  });

  test("a buffer whose dtype, shape and size do not fit together is refused", () => {
    for (const [dtype, shape] of [
      ["f8", [2]],
      ["O8", [1]],
      ["", [1]],
      ["f8", []],
      ["f8", [1, 2]],
      ["i3", [1]],
      ["f8", [0, 2 ** 60]],
      ["M8[x]", [1]],
    ] as const) {
      const data = dtype === "f8" && shape.length === 0 ? new Uint8Array(4) : eight();
      expect(() => from("d40100", [received(data, dtype, shape)])).toThrow(ProtocolError);
    }
  });

  test("an NdArray that makes no sense is refused where it is made", () => {
    expect(() => new NdArray(new Float64Array(3), [2, 2])).toThrow("one that fits 3 elements of f8");
    expect(() => new NdArray(new Float64Array(3), [-3])).toThrow("whole numbers");
    expect(() => new NdArray(new Float32Array(4), [2], "c16")).toThrow("8-byte elements");
    expect(() => new NdArray(new Float64Array(1), [1], "object")).toThrow("numpy type string");
    expect(new NdArray(new Float32Array(6), [2, 3]).dtype).toBe("f4");
  });
});
