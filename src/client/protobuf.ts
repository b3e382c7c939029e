/**
 * Protobuf messages as tables of their fields, and the code that reads and writes them.
 *
 * The generated messages need the library's descriptors of descriptors, which are half of what a client may weigh and are read before the first call. These
 * tables hold the fields that a client uses; a test holds them equal to the generated ones.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** One field of a message. */
export interface Field<T> {
  readonly number: number;
  /** As a descriptor names it: a scalar, the full name of a message; "[]" or "{}" after it for a list or a map with text as keys. */
  readonly type: string;
  /** What it is when it is not there. */
  readonly empty: () => T;
  readonly isEmpty: (value: T) => boolean;
  /** How its bytes are told apart. */
  readonly wire: WireType;
  /** Writes the value behind its tag. */
  readonly put: (writer: BinaryWriter, value: T) => void;
  /** Reads a value whose tag was read; `before` is what the message holds of it until then. */
  readonly get: (reader: BinaryReader, before: T, wire: WireType) => T;
  /** The type of a message. */
  readonly of?: () => MessageType;
  /** Whether it may stand several times, and writes a tag for each itself. */
  readonly repeated?: true;
}

/** The fields of a message by name. Types of fields differ, and each is used with its own value only. */
// biome-ignore lint/suspicious/noExplicitAny: a field both takes and gives its value, so no other type holds all of them
export type Fields = Readonly<Record<string, Field<any>>>;

/** A message type. */
export interface MessageType<T = object> {
  /** Full name. */
  readonly name: string;
  readonly fields: Fields;
  /** What is left out is empty. */
  encode(message: Partial<T>): Uint8Array<ArrayBuffer>;
  /** Throws when the bytes are no such message. */
  decode(bytes: Uint8Array): T;
}

type ValuesOf<F extends Fields> = { [Name in keyof F]: F[Name] extends Field<infer T> ? T : never };

/** What a message type holds. */
export type Shape<M> = M extends MessageType<infer T> ? T : never;

/** Makes the type of a message. */
export function messageType<const F extends Fields>(name: string, fields: F): MessageType<ValuesOf<F>> {
  return {
    name,
    fields,
    encode: (message) => encodeInto(new BinaryWriter(), fields, message).finish(),
    // Each field was filled with a value of its own type.
    decode: (bytes) => decodeFrom(new BinaryReader(bytes), bytes.length, fields) as ValuesOf<F>,
  };
}

function encodeInto(writer: BinaryWriter, fields: Fields, message: object): BinaryWriter {
  for (const [name, value] of Object.entries(message)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined || value === undefined || field.isEmpty(value)) continue;
    field.put(field.repeated === true ? writer : writer.tag(field.number, field.wire), value);
  }
  return writer;
}

function decodeFrom(reader: BinaryReader, length: number, fields: Fields): object {
  const message: Record<string, unknown> = {};
  const byNumber = new Map<number, readonly [string, Fields[string]]>();
  for (const [name, field] of Object.entries(fields)) {
    byNumber.set(field.number, [name, field]);
    message[name] = field.empty();
  }
  const end = reader.pos + length;
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const [name, field] = byNumber.get(number) ?? [];
    if (name === undefined || field === undefined) reader.skip(wire, number);
    else message[name] = field.get(reader, message[name], wire);
  }
  return message;
}

const scalar =
  <T>(type: string, wire: WireType, none: T, put: (writer: BinaryWriter, value: T) => void, get: (reader: BinaryReader) => T) =>
  (number: number): Field<T> => ({ number, type, wire, empty: () => none, isEmpty: (value) => value === none, put, get });

const { Varint, Bit64, LengthDelimited } = WireType;

/** Text. */
export const text = scalar<string>(
  "string",
  LengthDelimited,
  "",
  (writer, value) => writer.string(value),
  (reader) => reader.string(),
);
/** Bytes, as a view of the message. */
export const bytes = scalar<Uint8Array>(
  "bytes",
  LengthDelimited,
  new Uint8Array(0),
  (writer, value) => writer.bytes(value),
  (reader) => reader.bytes(),
);
/** True or false. */
export const bool = scalar<boolean>(
  "bool",
  Varint,
  false,
  (writer, value) => writer.bool(value),
  (reader) => reader.bool(),
);
/** A whole number from 0. */
export const uint32 = scalar<number>(
  "uint32",
  Varint,
  0,
  (writer, value) => writer.uint32(value),
  (reader) => reader.uint32(),
);
/** A whole number, mostly small. */
export const sint32 = scalar<number>(
  "sint32",
  Varint,
  0,
  (writer, value) => writer.sint32(value),
  (reader) => reader.sint32(),
);
/** One of the numbers of an enum. */
export const oneOf = <E extends number>(number: number, type: string): Field<E> =>
  // A number that this version does not know stays what it is.
  scalar<E>(
    type,
    Varint,
    0 as E,
    (writer, value) => writer.int32(value),
    (reader) => reader.int32() as E,
  )(number);
/** A whole number from 0 that is exact as a number of JavaScript. */
export const uint64 = scalar<number>(
  "uint64",
  Varint,
  0,
  (writer, value) => writer.uint64(value),
  (reader) => Number(reader.uint64()),
);
/** A whole number that is exact as a number of JavaScript. */
export const int64 = scalar<number>(
  "int64",
  Varint,
  0,
  (writer, value) => writer.int64(value),
  (reader) => Number(reader.int64()),
);
/** A whole number. */
export const int32 = scalar<number>(
  "int32",
  Varint,
  0,
  (writer, value) => writer.int32(value),
  (reader) => reader.int32(),
);
/** Any number. */
export const double = scalar<number>(
  "double",
  Bit64,
  Number.NaN,
  (writer, value) => writer.double(value),
  (reader) => reader.double(),
);

/** A field of which is known whether it is there. */
export const maybe = <T>(field: Field<T>): Field<T | undefined> => ({
  ...field,
  empty: () => undefined,
  isEmpty: (value) => value === undefined,
  put: (writer, value) => {
    if (value !== undefined) field.put(writer, value);
  },
  get: (reader, before, wire) => field.get(reader, before ?? field.empty(), wire),
});

/** A message in a message. The type is asked for when it is needed, as it may hold itself. */
export const message = <T extends object>(number: number, type: string, of: () => MessageType<T>): Field<T | undefined> => ({
  number,
  type,
  of,
  wire: LengthDelimited,
  empty: () => undefined,
  isEmpty: (value) => value === undefined,
  put: (writer, value) => encodeInto(writer.fork(), of().fields, value ?? {}).join(),
  // Each field was filled with a value of its own type.
  get: (reader) => decodeFrom(reader, reader.uint32(), of().fields) as T,
});

/** A list of values. Whole numbers stand together behind one tag. */
export const many = <T>(field: Field<T>): Field<NonNullable<T>[]> => {
  // What is in a list is there; a message's field also stands for one that is not.
  const one = field as Field<NonNullable<T>>;
  return {
    ...one,
    type: `${field.type}[]`,
    empty: () => [],
    isEmpty: (values) => values.length === 0,
    put: (writer, values) => {
      const isPacked = one.wire === Varint;
      if (isPacked) writer.tag(one.number, LengthDelimited).fork();
      for (const value of values) one.put(isPacked ? writer : writer.tag(one.number, one.wire), value);
      if (isPacked) writer.join();
    },
    repeated: true,
    get: (reader, values, wire) => {
      if (wire === one.wire) {
        values.push(one.get(reader, one.empty(), wire));
        return values;
      }
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) values.push(one.get(reader, one.empty(), one.wire));
      return values;
    },
  };
};

/** Values by text. */
export const byText = <T>(number: number, field: (number: number) => Field<T>): Field<Record<string, NonNullable<T>>> => {
  const [key, value] = [text(1), field(2)];
  return {
    number,
    type: `${value.type}{}`,
    ...(value.of !== undefined && { of: value.of }),
    wire: LengthDelimited,
    empty: () => ({}),
    isEmpty: (values) => Object.keys(values).length === 0,
    put: (writer, values) => {
      for (const [name, one] of Object.entries(values)) {
        writer.tag(number, LengthDelimited).fork();
        key.put(writer.tag(1, LengthDelimited), name);
        value.put(writer.tag(2, value.wire), one);
        writer.join();
      }
    },
    repeated: true,
    get: (reader, values) => {
      // The two fields of an entry, each of its own type.
      const entry = decodeFrom(reader, reader.uint32(), { key, value }) as { key: string; value: NonNullable<T> };
      // Also where the key is "__proto__".
      return Object.defineProperty(values, entry.key, { value: entry.value, enumerable: true, writable: true, configurable: true });
    },
  };
};
