import { describe, expect, test } from "bun:test";
import {
  create,
  type DescField,
  type DescMessage,
  equals,
  fromBinary,
  type JsonObject,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { ErrorDetailSchema, type ErrorDetail as GeneratedDetail } from "../gen/snakepit/v1/error_pb.ts";
import { GatewayService } from "../gen/snakepit/v1/gateway_pb.ts";
import type { MessageType } from "./protobuf.ts";
import { detailOf, ErrorDetail, methods, objectOf, structOf } from "./schema.ts";

/** The type of a field in the words of a table. */
function typeOf(field: DescField): string {
  if (field.fieldKind === "map") {
    const value =
      field.mapKind === "message" ? field.message.typeName : field.mapKind === "scalar" ? ScalarType[field.scalar].toLowerCase() : "";
    return `${value}{}`;
  }
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  const name =
    kind === "message"
      ? field.message?.typeName
      : kind === "enum"
        ? field.enum?.typeName
        : field.scalar && ScalarType[field.scalar].toLowerCase();
  return `${name}${field.fieldKind === "list" ? "[]" : ""}`;
}

/** What stands in a message beside its table, and need not be known: values as JSON, and what only a carrier has. */
const leftOut = new Set(["args", "result", "item", "value", "batch", "takesSession", "attached", "shared"]);

/** Every message that is reached from the methods. */
function reached(): Map<string, readonly [MessageType, DescMessage]> {
  const all = new Map<string, readonly [MessageType, DescMessage]>();
  const visit = (type: MessageType, desc: DescMessage): void => {
    if (all.has(desc.typeName)) return;
    all.set(desc.typeName, [type, desc]);
    for (const [name, field] of Object.entries(type.fields)) {
      const message = desc.fields.find((candidate) => candidate.localName === name)?.message;
      if (field.of !== undefined && message !== undefined) visit(field.of(), message);
    }
  };
  for (const [name, { input, output }] of Object.entries(methods)) {
    const method = GatewayService.methods.find((candidate) => candidate.localName === name);
    if (method === undefined) throw new Error(`there is no method ${name}`);
    visit(input, method.input);
    visit(output, method.output);
  }
  return all;
}

describe("the tables of a client are the generated messages", () => {
  test("with every method", () => {
    expect(Object.values(methods).map(({ name }) => name)).toEqual(
      GatewayService.methods.map(({ name }) => `${GatewayService.typeName}/${name}`),
    );
  });

  for (const [typeName, [type, desc]] of reached()) {
    test(typeName, () => {
      expect(type.name).toBe(typeName);
      const table = Object.entries(type.fields).map(([name, { number, type: kind }]) => ({ name, number, type: kind }));
      const generated = desc.fields.map((field) => ({ name: field.localName, number: field.number, type: typeOf(field) }));
      expect(table).toEqual(generated.filter(({ name }) => !leftOut.has(name) || Object.hasOwn(type.fields, name)));
    });
  }
});

test("what a table writes is what is generated, both ways", () => {
  const { input } = methods.setVariables;
  const desc = GatewayService.method.setVariables.input;
  const message = {
    sessionId: "ä",
    assignments: [{ name: "x", valueMsgpack: new Uint8Array(0), expectedVersion: 2 ** 53 - 1, metadata: { __proto__x: "1", b: "" } }],
    partial: true,
  };
  const generated = create(desc, {
    ...message,
    assignments: message.assignments.map((one) => ({ ...one, expectedVersion: BigInt(one.expectedVersion) })),
  });
  expect(input.encode(message)).toEqual(toBinary(desc, generated));
  expect(input.decode(toBinary(desc, generated))).toEqual(message);
  expect(fromBinary(desc, input.encode({})).assignments).toEqual([]);
});

test("whatever a message holds, both read and write it the same", () => {
  const { output } = methods.getVariables;
  const desc = GatewayService.method.getVariables.output;
  const text = fc.string({ unit: "grapheme" });
  const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const variable = fc.record({
    id: text,
    name: text,
    valueMsgpack: fc.option(fc.uint8Array(), { nil: undefined }),
    constraints: fc.option(fc.dictionary(text, fc.jsonValue({ noUnicodeString: false })), { nil: undefined }),
    metadata: fc.dictionary(text, text),
    version: whole,
    source: fc.option(fc.record({ side: fc.constantFrom(1 as const, 2 as const), workerId: text, tool: text, call: fc.nat() }), {
      nil: undefined,
    }),
    at: fc.option(fc.record({ seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), nanos: fc.nat({ max: 999_999_999 }) }), {
      nil: undefined,
    }),
  });
  fc.assert(
    fc.property(fc.array(variable, { maxLength: 4 }), fc.array(text), (variables, missing) => {
      const generated = create(desc, {
        variables: variables.map(({ version, at, constraints, ...rest }) => ({
          ...rest,
          version: BigInt(version),
          ...(constraints !== undefined && { constraints: constraints as JsonObject }),
          ...(at !== undefined && { at: { seconds: BigInt(at.seconds), nanos: at.nanos } }),
        })),
        missing,
      });
      const read = output.decode(toBinary(desc, generated));
      expect(read.missing).toEqual(missing);
      for (const [i, { constraints, ...rest }] of variables.entries()) {
        expect(read.variables[i]).toMatchObject(rest);
        const held = read.variables[i]?.constraints;
        expect(held && objectOf(held)).toEqual(constraints as JsonObject | undefined);
      }
      const back = fromBinary(desc, output.encode(read));
      expect(equals(desc, back, generated)).toBe(true);
    }),
  );
});

test("numbers of a list stand together, and apart they are read too", () => {
  const { input } = methods.executeTool;
  const buffers = [{ dtype: "f8", shape: [2, 300_000_000_000], kind: 2, inline: new Uint8Array([1]) }] as const;
  const bytes = input.encode({ buffers: buffers.map((one) => ({ ...one, shape: [...one.shape] })) });
  const generated = fromBinary(GatewayService.method.executeTool.input, bytes);
  expect(generated.buffers[0]?.shape).toEqual([2n, 300_000_000_000n]);
  expect(toBinary(GatewayService.method.executeTool.input, generated)).toEqual(bytes);
  // Field 4 with a buffer whose shape is 2 and 3, each behind a tag of its own.
  expect(input.decode(new Uint8Array([0x22, 4, 0x10, 2, 0x10, 3])).buffers[0]?.shape).toEqual([2, 3]);
});

test("an error with JSON in its fields is the same error", () => {
  const fields = { text: "a", list: [1, null, { deep: true }], none: null, half: 0.5, zero: 0 };
  const init: MessageInitShape<typeof ErrorDetailSchema> = {
    tag: "T",
    message: "m",
    retryable: true,
    fields,
    cause: { tag: "C", fields: {} },
  };
  const generated: GeneratedDetail = create(ErrorDetailSchema, init);
  const bytes = toBinary(ErrorDetailSchema, generated);
  const read = detailOf(ErrorDetail.decode(bytes));
  expect(read).toMatchObject({ tag: "T", message: "m", retryable: true, fields, cause: { tag: "C", fields: {} } });
  const again = ErrorDetail.encode({
    tag: "T",
    message: "m",
    retryable: true,
    fields: structOf(fields),
    cause: { tag: "C", message: "", retryable: false, fields: structOf({}), cause: undefined },
  });
  expect(again).toEqual(bytes);
});

test("fields of a later version are passed over, and bytes that end early are refused", () => {
  const { output } = methods.endSession;
  expect(output.decode(new Uint8Array([0x08, 1, 0xfa, 0x07, 2, 9, 9]))).toEqual({ ended: true });
  expect(() => output.decode(new Uint8Array([0x08]))).toThrow();
});
