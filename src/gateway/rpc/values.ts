/** Values in the two forms that messages of the gateway have them in: JSON for people, MessagePack with large data beside it for programs. */
import { create } from "@bufbuild/protobuf";
import { ListValueSchema, NullValue, StructSchema, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { InvalidOptions } from "../../errors/index.ts";
import { ValueForm } from "../../gen/snakepit/v1/gateway_pb.ts";
import { type Buffer_Kind, type Buffer as BufferMessage, BufferSchema } from "../../gen/snakepit/v1/value_pb.ts";
import { decode, Encoder, OWNED_FROM_BYTES, type ReceivedBuffer, type ValueSink } from "../../value/index.ts";
import { jsonForm } from "../../value/json.ts";

/** One of the two forms. */
export type Form = "json" | "msgpack";

/** A value as a request has it. MessagePack wins when both are there. */
export interface GivenValue {
  readonly json: Value | undefined;
  readonly msgpack: Uint8Array | undefined;
  /** Large data of `msgpack`. */
  readonly buffers?: readonly BufferMessage[];
}

/** A value as MessagePack, and the large data beside it. */
export interface PackedValue {
  readonly msgpack: Uint8Array;
  readonly buffers: readonly BufferMessage[];
}

const encoder = new Encoder();
const isSafe = (whole: bigint): boolean => BigInt.asIntN(54, whole) === whole && whole !== -(2n ** 53n);

/** The form that an answer has its values in: the one that was asked for, else that of the request, else JSON. */
export function answerForm(asked: ValueForm, given: { readonly msgpack: Uint8Array | undefined } | undefined): Form {
  if (asked === ValueForm.MSGPACK) return "msgpack";
  if (asked === ValueForm.JSON) return "json";
  return given?.msgpack === undefined ? "json" : "msgpack";
}

/**
 * The value that a request has; undefined when it has none.
 *
 * @param field - Its name in the request, for messages.
 * @throws InvalidOptions when the bytes are no value.
 */
export function readValue({ json, msgpack, buffers = [] }: GivenValue, field: string): unknown {
  if (msgpack === undefined) return json === undefined ? undefined : fromJsonValue(json);
  const received = buffers.map(receivedBuffer);
  try {
    return decode(msgpack, 0, msgpack.length, received);
  } catch (cause) {
    throw new InvalidOptions({ option: `${field}_msgpack`, expected: "one value as MessagePack, as docs/values.md has it" }, { cause });
  }
}

/** A value as the message that JSON is made of. */
export function toJsonValue(value: unknown): Value {
  const form = jsonForm(value);
  switch (typeof form) {
    case "string":
      return create(ValueSchema, { kind: { case: "stringValue", value: form } });
    case "number":
      return create(ValueSchema, { kind: { case: "numberValue", value: form } });
    case "boolean":
      return create(ValueSchema, { kind: { case: "boolValue", value: form } });
    case "bigint":
      if (!isSafe(form)) return toJsonValue(form.toString());
      return create(ValueSchema, { kind: { case: "numberValue", value: Number(form) } });
    default:
  }
  if (form === null) return create(ValueSchema, { kind: { case: "nullValue", value: NullValue.NULL_VALUE } });
  if (!("members" in form)) {
    return create(ValueSchema, { kind: { case: "listValue", value: create(ListValueSchema, { values: form.map(toJsonValue) }) } });
  }
  const fields = Object.fromEntries(form.members.map(([name, member]) => [name, toJsonValue(member)]));
  return create(ValueSchema, { kind: { case: "structValue", value: create(StructSchema, { fields }) } });
}

/** What a JSON value stands for. */
export function fromJsonValue({ kind }: Value): unknown {
  switch (kind.case) {
    case "structValue":
      return Object.fromEntries(Object.entries(kind.value.fields).map(([name, value]) => [name, fromJsonValue(value)]));
    case "listValue":
      return kind.value.values.map(fromJsonValue);
    case "nullValue":
    case undefined:
      return null;
    default:
      return kind.value;
  }
}

/** A value as MessagePack. Throws UnsupportedValue for what can only be used where it was made, such as a stored object. */
export function packValue(value: unknown): PackedValue {
  const inline = new InlineBuffers();
  const bytes = encoder.encode(value, inline);
  // The memory of a small one is used again by the next.
  return { msgpack: bytes.length < OWNED_FROM_BYTES ? new Uint8Array(bytes) : bytes, buffers: inline.messages };
}

/** Large data in the message itself: there is no second channel over a network. */
class InlineBuffers implements ValueSink {
  readonly messages: BufferMessage[] = [];
  readonly overNetwork = true;

  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    const message = create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location: { case: "inline", value: data } });
    return this.messages.push(message) - 1;
  }
}

function receivedBuffer({ dtype, shape, kind, location }: BufferMessage): ReceivedBuffer {
  if (location.case !== "inline") throw new InvalidOptions({ option: "buffers", expected: "inline" });
  return { data: location.value, dtype, shape: shape.map(Number), kind, owned: true };
}
