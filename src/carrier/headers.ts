/** Headers, trailers and errors of Connect calls in the bodies of frames. */
import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import {
  type CallError,
  CallErrorSchema,
  CallHeadSchema,
  type CallMeta,
  CallMetaSchema,
  type Header,
} from "../gen/snakepit/v1/frame_pb.ts";
import { copyBytes } from "./frame.ts";

const TYPE_URL = "type.googleapis.com/";
const nothing = new Uint8Array(0);

/** The name of a method as heads have it, such as "/snakepit.v1.HostService/PingHost". */
export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

/** The body that precedes the message of an Open frame. */
export function encodeCallHead(method: DescMethod, headers: Headers | undefined): Uint8Array {
  return toBinary(CallHeadSchema, create(CallHeadSchema, { method: pathOf(method), headers: listHeaders(headers) }));
}

/** Headers and trailers of an answer; no bytes when there are none. */
export function encodeCallMeta(headers: Headers | undefined, trailers: Headers | undefined): Uint8Array {
  const meta = { headers: listHeaders(headers), trailers: listHeaders(trailers) };
  if (meta.headers.length === 0 && meta.trailers.length === 0) return nothing;
  return toBinary(CallMetaSchema, create(CallMetaSchema, meta));
}

/** The headers and trailers in the bytes from `start` to `end`. */
export function decodeCallMeta(bytes: Uint8Array, start: number, end: number): CallMeta {
  return start === end ? create(CallMetaSchema) : fromBinary(CallMetaSchema, bytes.subarray(start, end));
}

/** The body of an Error frame. The code goes into its header. */
export function encodeCallError(error: ConnectError, headers?: Headers): Uint8Array {
  const details = error.details.map((detail) =>
    "desc" in detail
      ? { typeUrl: TYPE_URL + detail.desc.typeName, value: toBinary(detail.desc, create(detail.desc, detail.value)) }
      : { typeUrl: TYPE_URL + detail.type, value: detail.value },
  );
  return toBinary(
    CallErrorSchema,
    create(CallErrorSchema, {
      message: error.rawMessage,
      details: details.map((detail) => create(AnySchema, detail)),
      headers: listHeaders(headers),
      trailers: listHeaders(error.metadata),
    }),
  );
}

/** The body of an Error frame in the bytes from `start` to `end`. The memory of its details is its own. */
export function decodeCallError(bytes: Uint8Array, start: number, end: number): CallError {
  return fromBinary(CallErrorSchema, copyBytes(bytes, start, end));
}

/** The Connect error that an Error frame stands for. */
export function connectErrorOf(error: CallError, code: number): ConnectError {
  const connectError = new ConnectError(error.message, code as Code);
  connectError.details = error.details.map((detail) => ({ type: typeOf(detail.typeUrl), value: detail.value }));
  addHeaders(connectError.metadata, error.headers);
  addHeaders(connectError.metadata, error.trailers);
  return connectError;
}

/** The name of the message in a type URL. */
export function typeOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** Headers as programs have them. */
export function toHeaders(list: readonly Header[]): Headers {
  const headers = new Headers();
  addHeaders(headers, list);
  return headers;
}

function addHeaders(headers: Headers, list: readonly Header[]): void {
  for (const { name, values } of list) {
    for (const value of values) headers.append(name, value);
  }
}

function listHeaders(headers: Headers | undefined): { name: string; values: string[] }[] {
  const list: { name: string; values: string[] }[] = [];
  headers?.forEach((value, name) => {
    list.push({ name, values: [value] });
  });
  return list;
}
