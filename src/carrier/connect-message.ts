/** One message of a Connect call, on its way out or in. */
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { PayloadTooLarge } from "../errors/index.ts";
import { attach, detach } from "./attachments.ts";
import { copyBytes, ITEM_COST, Kind, MAX_PREFIX_BYTES } from "./frame.ts";
import type { Link } from "./link.ts";

/** What stands before the message in its frame. */
export interface MessageFrame {
  readonly kind: number;
  readonly flags?: number;
  /** Headers and trailers; its length goes into the frame's header. */
  readonly prefix?: Uint8Array;
  readonly aux?: number;
}

/** A message as it will go: encoded, and within the limits of the other side. */
export interface EncodedMessage {
  readonly parts: readonly Uint8Array[];
  readonly attached: readonly Uint8Array[];
  /** What it costs in a stream. */
  readonly cost: number;
}

/** Throws when encoded headers are longer than a frame can tell. */
export function checkHeaders(prefix: Uint8Array): void {
  if (prefix.length > MAX_PREFIX_BYTES) {
    throw new ConnectError(`headers of ${prefix.length} bytes are over the limit of ${MAX_PREFIX_BYTES}`, Code.ResourceExhausted);
  }
}

/** Encodes a message. Throws PayloadTooLarge, and what the generated code throws for a message that is none. */
export function encodeMessage<D extends DescMessage>(link: Link, desc: D, message: MessageShape<D>, prefix?: Uint8Array): EncodedMessage {
  const detached = detach(desc, message);
  const body = toBinary(desc, detached.message);
  const { maxMessageBytes, maxBufferBytes } = link.peer;
  const size = body.length;
  if (prefix !== undefined) checkHeaders(prefix);
  if (size > maxMessageBytes) throw new PayloadTooLarge({ size, limit: maxMessageBytes, option: "maxMessageBytes" });
  const attachedBytes = detached.attached.reduce((sum, data) => sum + data.length, 0);
  if (attachedBytes > maxBufferBytes) throw new PayloadTooLarge({ size: attachedBytes, limit: maxBufferBytes, option: "maxBufferBytes" });
  const parts = prefix === undefined ? [body] : [prefix, body];
  return { parts, attached: detached.attached, cost: Math.max(ITEM_COST, size + attachedBytes) };
}

/** Sends what {@link encodeMessage} made. */
export function sendMessage(link: Link, call: number, frame: MessageFrame, message: EncodedMessage): void {
  for (const data of message.attached) link.writer.message(Kind.ATTACH, 0, 0, call, 0, [data]);
  // A stream's messages have no headers of their own.
  link.writer.message(frame.kind, frame.flags ?? 0, frame.prefix?.length ?? 0, call, frame.aux ?? 0, message.parts);
}

/** A message that came, and what it costs in a stream when it holds so many items. Its memory is its own. */
export function decodeMessage<D extends DescMessage>(
  link: Link,
  desc: D,
  call: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  owned: boolean,
  items = 1,
): { readonly message: MessageShape<D>; readonly cost: number } {
  const { memory } = link;
  const attached = link.takeAttached(call);
  const message = fromBinary(desc, owned ? bytes.subarray(start, end) : copyBytes(bytes, start, end));
  try {
    attach(message, attached, memory);
    const size = attached.reduce((sum, data) => sum + data.length, end - start + (memory?.readBytes ?? 0));
    return { message, cost: Math.max(items * ITEM_COST, size) };
  } finally {
    memory?.finish();
  }
}

/** What a call fails with whose message cannot be read. */
export function unreadableMessage(error: unknown): ConnectError {
  return new ConnectError(
    `a message cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    Code.Internal,
    undefined,
    undefined,
    error,
  );
}
