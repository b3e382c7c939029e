/** Values through the gateway against those of the same call made in the program. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Client } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { fromJsonValue, packValue, readValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { type GatewayService, ValueForm } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { NdArray, type Snakepit } from "../src/index.ts";
import { clientOf, refused } from "./gateway.rpc.support.ts";
import { kinds } from "./values.kinds.ts";
import { openPython } from "./values.python.ts";
import { fromJavaScript } from "./values.table.ts";

let python: Snakepit;
let client: Client<typeof GatewayService>;
beforeAll(async () => {
  python = await openPython();
  client = clientOf(python);
});
afterAll(() => python.close());

/** What docs/values.md says of a result in JSON, written down a second time. Minus zero is zero there. */
function inJson(value: unknown): unknown {
  if (typeof value === "bigint") return value >= -(2n ** 53n) + 1n && value < 2n ** 53n ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof NdArray) return inShape(elementsOf(value), value.shape);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, inJson);
  if (Array.isArray(value)) return value.map(inJson);
  if (value instanceof Map) {
    const entries = [...value].map(([key, its]) => [inJson(key), inJson(its)]);
    return [...value.keys()].every((key) => typeof key === "string") ? Object.fromEntries(entries) : entries;
  }
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, its]) => [key, inJson(its)]));
  return value;
}

function elementsOf({ data, dtype }: NdArray): unknown[] {
  const plain = Array.from(data as Iterable<unknown>, inJson);
  if (dtype === "b1") return plain.map((bit) => bit === 1);
  if (!dtype.startsWith("c")) return plain;
  return plain.flatMap((real, at) => (at % 2 === 0 ? [[real, plain[at + 1]]] : []));
}

function inShape(elements: readonly unknown[], shape: readonly number[]): unknown {
  const [length, ...inner] = shape;
  if (length === undefined) return elements[0];
  const size = inner.reduce((product, its) => product * its, 1);
  return Array.from({ length }, (_, at) => inShape(elements.slice(at * size, (at + 1) * size), inner));
}

/** Where the table names what cannot be encoded at all, or goes beside the value of a local call only. */
const isLocal = (kind: string): boolean => /async iterable|function|stored object/.test(kind);

describe("a value comes back over the gateway as in the program", () => {
  for (const row of fromJavaScript) {
    const kind = kinds[row("kind")];
    if (kind === undefined || row("Python") === "refused" || isLocal(row("kind"))) continue;
    test(row("kind"), () =>
      fc.assert(
        fc.asyncProperty(kind.values, async (value) => {
          const local = await python.execute("echo", { value });
          const { msgpack: argsMsgpack, buffers } = packValue({ value });
          const args = { tool: "echo", argsMsgpack, buffers: [...buffers] };
          const packed = await client.executeTool(args);
          expect(readValue({ json: undefined, msgpack: packed.resultMsgpack, buffers: packed.buffers }, "result")).toStrictEqual(local);
          const { result } = await client.executeTool({ ...args, form: ValueForm.JSON });
          expect(result && inJson(fromJsonValue(result))).toStrictEqual(inJson(local));
        }),
        { numRuns: 15 },
      ),
    );
  }
});

test("JSON arguments are taken as they are", () =>
  fc.assert(
    fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), async (value) => {
      const { result } = await client.executeTool({ tool: "echo", args: toJsonValue({ value }) });
      expect(result && inJson(fromJsonValue(result))).toStrictEqual(inJson(await python.execute("echo", { value })));
    }),
    { numRuns: 100 },
  ));

test("bytes that are no value, and buffers that are elsewhere, are the caller's mistake", async () => {
  const mistakes = [
    { argsMsgpack: new Uint8Array([0xc1]) },
    { argsMsgpack: new Uint8Array() },
    { argsMsgpack: new Uint8Array([0x81]) },
    { argsMsgpack: packValue([1]).msgpack },
    { args: toJsonValue("text") },
    { argsMsgpack: packValue({}).msgpack, buffers: [{ dtype: "f8", location: { case: "attached" as const, value: 0 } }] },
    { argsMsgpack: packValue({ value: new Float64Array(2) }).msgpack, buffers: [] },
  ];
  for (const mistake of mistakes) {
    expect((await refused(client.executeTool({ tool: "echo", ...mistake }))).code).toBe(Code.InvalidArgument);
  }
});
