/** Large data in the message that its value is in, where there is no second channel: over a network. */
import { create } from "@bufbuild/protobuf";
import { type Buffer_Kind, type Buffer as BufferMessage, BufferSchema } from "../gen/snakepit/v1/value_pb.ts";
import type { ReceivedBuffer, ValueSink } from "./buffers.ts";

/** Takes what leaves a value into the message. Functions and streams cannot get there: nobody could call back. */
export class InlineBuffers implements ValueSink {
  readonly messages: BufferMessage[] = [];
  readonly overNetwork = true;

  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    const message = create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location: { case: "inline", value: data } });
    return this.messages.push(message) - 1;
  }
}

/** What came in a message; undefined when the data is not in it. Values get copies of it, in memory of their own. */
export function inlineBuffer({ dtype, shape, kind, location }: BufferMessage): ReceivedBuffer | undefined {
  if (location.case !== "inline") return undefined;
  return { data: location.value, dtype, shape: shape.map(Number), kind, owned: false };
}
