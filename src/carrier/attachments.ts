/**
 * Buffers of whole messages, for the calls that use generated code: programs see every buffer `inline`; on the wire large ones go in frames of their
 * own.
 */
import { clone, type DescMessage, isMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import { type Buffer, BufferSchema } from "../gen/snakepit/v1/value_pb.ts";
import { InputItemsSchema } from "../gen/snakepit/v1/worker_pb.ts";
import { fault } from "./frame.ts";
import type { SharedMemory } from "./memory/shared-memory.ts";
import { INLINE_BELOW_BYTES } from "./outgoing.ts";

/** A message without its large data, and that data. */
export interface Detached<D extends DescMessage> {
  readonly message: MessageShape<D>;
  readonly attached: readonly Uint8Array[];
}

const none: readonly Uint8Array[] = [];

/** Takes the large data out of a message. Gives the message itself back when there is none, a copy otherwise. */
export function detach<D extends DescMessage>(desc: D, message: MessageShape<D>): Detached<D> {
  if (!buffersOf(message).some(isLarge)) return { message, attached: none };
  const attached: Uint8Array[] = [];
  const copy = clone(desc, message);
  for (const buffer of buffersOf(copy)) {
    if (isLarge(buffer)) buffer.location = { case: "attached", value: attached.push(buffer.location.value as Uint8Array) - 1 };
  }
  return { message: copy, attached };
}

/** Puts the data that came in frames of its own back into its message, and copies of what lies in shared memory, whose `finish` is to be called afterwards. */
export function attach(message: Message, attached: readonly Uint8Array[], memory?: SharedMemory): void {
  if (attached.length === 0 && memory === undefined) return;
  for (const buffer of buffersOf(message)) {
    if (buffer.location.case === "shared" && memory !== undefined) {
      buffer.location = { case: "inline", value: memory.read(buffer.location.value, false) };
    }
    if (buffer.location.case !== "attached") continue;
    const value = attached[buffer.location.value];
    if (value === undefined) throw fault("a message whose buffer did not come");
    buffer.location = { case: "inline", value };
  }
}

function isLarge({ location }: Buffer): boolean {
  return location.case === "inline" && location.value.length >= INLINE_BELOW_BYTES;
}

/** The buffers of a message: those it names itself, and those of the items of an input stream within. */
function buffersOf(message: Message): readonly Buffer[] {
  const buffers: unknown = Reflect.get(message, "buffers");
  const input: unknown = Reflect.get(message, "input");
  const inner = isMessage(input, InputItemsSchema) ? input.buffers : [];
  return Array.isArray(buffers) ? [...buffers.filter((buffer) => isMessage(buffer, BufferSchema)), ...inner] : inner;
}
