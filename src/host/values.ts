/** The values of host tools as the messages have them: buffers stand `inline`, the carrier sends large ones beside the message. */
import { create } from "@bufbuild/protobuf";
import { ProtocolError } from "../errors/index.ts";
import { type Buffer, type Buffer_Kind, BufferSchema } from "../gen/snakepit/v1/value_pb.ts";
import * as json from "../tool/json.ts";
import { decode, Encoder, type ReceivedBuffer, type ValueSink } from "../value/index.ts";
import type { NamedArguments } from "./arguments.ts";

const encoder = new Encoder();

/** What Python gave a host tool. */
export interface SentArguments {
  readonly positional: readonly unknown[];
  readonly named: NamedArguments;
}

/** The arguments of a call. Throws ProtocolError when they are none. */
export function decodeArguments(args: Uint8Array, buffers: readonly Buffer[]): SentArguments {
  const value = decode(args, 0, args.length, buffers.length === 0 ? undefined : buffers.map(received));
  if (json.isArray(value) && value.length === 2) {
    const [positional, named] = value;
    if (json.isArray(positional) && json.isObject(named)) return { positional, named };
  }
  throw new ProtocolError({ reason: "the arguments of a host tool must be an array and a map with string keys" });
}

/** The values of one message, and the buffers that stand beside them. */
export class OutgoingValues implements ValueSink {
  readonly values: Uint8Array[] = [];
  readonly buffers: Buffer[] = [];
  /** What they take in memory, in bytes. */
  size = 0;

  /** Adds a value. Throws UnsupportedValue, and is then as it was. */
  add(value: unknown): void {
    const { size } = this;
    const count = this.buffers.length;
    try {
      // A copy: the encoder's memory is used again before the message is sent.
      const bytes = new Uint8Array(encoder.encode(value, this));
      this.values.push(bytes);
      this.size += bytes.length;
    } catch (error) {
      this.buffers.length = count;
      this.size = size;
      throw error;
    }
  }

  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    this.size += data.length;
    return (
      this.buffers.push(create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location: { case: "inline", value: data } })) - 1
    );
  }
}

function received({ dtype, shape, kind, location }: Buffer): ReceivedBuffer {
  if (location.case !== "inline") throw new ProtocolError({ reason: "a buffer did not come" });
  // The carrier gives each message memory of its own.
  return { data: location.value, dtype, shape: shape.map(Number), kind, owned: true };
}
