import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SharedRangeSchema } from "../../gen/snakepit/v1/value_pb.ts";
import type { Mapping } from "../../runtime/memory-map.ts";
import { ArgumentSegments, type Loan } from "./argument-segments.ts";
import { ResultSegments } from "./result-segments.ts";

/** Memory that says what became of it. */
function memory(bytes: number): Mapping & { readonly fate: () => string } {
  let fate = "mapped";
  return {
    bytes,
    view: (length) => new ArrayBuffer(length),
    unmap: () => {
      fate = "unmapped";
    },
    abandon: () => {
      fate = "abandoned";
    },
    fate: () => fate,
  };
}

const range = (segment: number, offset: number | bigint, length: number | bigint, lease = 1) =>
  create(SharedRangeSchema, { segment, offset: BigInt(offset), length: BigInt(length), lease: BigInt(lease) });

describe("segments for arguments", () => {
  test("are lent to one message at a time, the smallest that fits first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 8 }),
        fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 110 }), returns: fc.boolean() }), { maxLength: 40 }),
        (sizes, steps) => {
          const segments = new ArgumentSegments(() => {});
          sizes.forEach((size, id) => {
            segments.add(id, memory(size));
          });
          const out = new Map<number, Loan>();
          for (const { bytes, returns } of steps) {
            const free = sizes.flatMap((size, id) => (size >= bytes && !out.has(id) ? [size] : []));
            const loan = segments.take(bytes);
            expect(loan === undefined).toBe(free.length === 0);
            if (loan === undefined) continue;
            expect(out.has(loan.segment)).toBe(false);
            expect(sizes[loan.segment]).toBe(Math.min(...free));
            if (returns) segments.returned(loan.lease);
            else out.set(loan.segment, loan);
          }
          segments.close();
        },
      ),
    );
  });

  test("are free again when their message is not sent, and unmapped when all ends", () => {
    const segments = new ArgumentSegments(() => {});
    const mapping = memory(64);
    segments.add(1, mapping);
    const loan = segments.take(64);
    expect(segments.take(1)).toBeUndefined();
    loan?.release();
    segments.returned(12_345);
    expect(segments.take(1)?.segment).toBe(1);
    segments.close();
    expect(mapping.fate()).toBe("unmapped");
  });
});

describe("segments for results", () => {
  function some(): { segments: ResultSegments; mapping: ReturnType<typeof memory>; said: string[] } {
    const said: string[] = [];
    const segments = new ResultSegments({
      returned: (lease) => said.push(`returned ${lease}`),
      dropped: (id) => said.push(`dropped ${id}`),
    });
    const mapping = memory(128);
    segments.add(7, mapping, 3);
    expect(said.splice(0)).toEqual(["returned 3"]);
    return { segments, mapping, said };
  }

  test("a worker that names what is no part of one is told so, and nothing is read", () => {
    const { segments } = some();
    const wrong = [range(8, 0, 1), range(7, 0, 129), range(7, 128, 1), range(7, 2n ** 64n - 1n, 2), range(7, 2n ** 63n, 2n ** 63n)];
    for (const one of wrong) expect(() => segments.read(one, false)).toThrow("no memory of results");
    expect(segments.finish()).toBeUndefined();
  });

  test("are given back at once when they were copied, each lease once", () => {
    const { segments, said } = some();
    segments.read(range(7, 0, 64, 5), false);
    segments.read(range(7, 64, 64, 5), false);
    expect(segments.readBytes).toBe(128);
    expect(segments.finish()).toBeUndefined();
    expect([said, segments.readBytes]).toEqual([["returned 5"], 0]);
  });

  test("are given back when their view is released, which is empty then", () => {
    const { segments, said } = some();
    const view = segments.read(range(7, 64, 64, 5), true);
    const release = segments.finish();
    expect([said, view.length]).toEqual([[], 64]);
    release?.();
    expect([said, view.length]).toEqual([["returned 5"], 0]);
  });

  test("that the worker closes, or takes with it, stay mapped until their view is released", () => {
    for (const close of [(s: ResultSegments) => s.remove(7), (s: ResultSegments) => s.close()]) {
      const { segments, mapping, said } = some();
      segments.read(range(7, 0, 64), true);
      const release = segments.finish();
      close(segments);
      expect(mapping.fate()).toBe("mapped");
      release?.();
      expect([mapping.fate(), said]).toEqual(["unmapped", []]);
    }
  });

  test("whose view was moved elsewhere are never used again", () => {
    const { segments, mapping, said } = some();
    const view = segments.read(range(7, 0, 64), true);
    const release = segments.finish();
    structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
    release?.();
    expect([mapping.fate(), said]).toEqual(["abandoned", ["dropped 7"]]);
    expect(() => segments.read(range(7, 0, 1), false)).toThrow("no memory of results");
  });
});
