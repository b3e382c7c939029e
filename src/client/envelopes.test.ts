import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Envelope, envelope, envelopes } from "./envelopes.ts";

/** A body that comes in these pieces. */
function body(pieces: readonly Uint8Array[], onCancel: () => void = () => {}): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
    cancel: onCancel,
  });
}

/** Bytes cut at some places, empty pieces among them. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
}

async function all(stream: ReadableStream<Uint8Array>): Promise<Envelope[]> {
  const found: Envelope[] = [];
  for await (const { flags, data } of envelopes(stream)) found.push({ flags, data: new Uint8Array(data) });
  return found;
}

test("messages come out as they went in, wherever the body was cut", async () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(messages, fc.array(fc.nat(), { maxLength: 12 }), async (data, places) => {
      const bytes = new Uint8Array(await new Blob(data.map(envelope)).arrayBuffer());
      expect(await all(body(cut(bytes, places)))).toEqual(data.map((one) => ({ flags: 0, data: new Uint8Array(one) })));
    }),
  );
});

test("a message that is cut off is not given", async () => {
  const bytes = envelope(new Uint8Array([1, 2, 3]));
  expect(await all(body([bytes, bytes.subarray(0, 7)]))).toHaveLength(1);
});

test("a length that cannot be is refused before anything is kept for it", async () => {
  await expect(all(body([new Uint8Array([0, 255, 255, 255, 255])]))).rejects.toMatchObject({ _tag: "ProtocolError" });
});

test("leaving cancels the body", async () => {
  let cancelled = false;
  const stream = body([envelope(new Uint8Array([1])), envelope(new Uint8Array([2]))], () => {
    cancelled = true;
  });
  for await (const { data } of envelopes(stream)) {
    expect(data).toEqual(new Uint8Array([1]));
    break;
  }
  expect(cancelled).toBe(true);
});
