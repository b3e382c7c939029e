/** Methods as they are generated, for programs that may be larger than a client. */
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { MessageType } from "./protobuf.ts";
import type { Method } from "./schema.ts";

type Generated<M extends Readonly<Record<string, DescMethod>>> = {
  readonly [Name in keyof M]: Method<MessageType<MessageInitShape<M[Name]["input"]>>, MessageType<MessageShape<M[Name]["output"]>>>;
};

/** The methods of a service, as a connection takes them. */
export function generatedMethods<M extends Readonly<Record<string, DescMethod>>>(methods: M): Generated<M> {
  const entries = Object.entries(methods).map(([name, { parent, name: own, input, output }]) => [
    name,
    { name: `${parent.typeName}/${own}`, input: generatedMessage(input), output: generatedMessage(output) },
  ]);
  // Each name has the method of this name.
  return Object.fromEntries(entries) as Generated<M>;
}

const generatedMessage = (schema: DescMessage): MessageType => ({
  name: schema.typeName,
  fields: {},
  encode: (message) => toBinary(schema, create(schema, { ...message })),
  decode: (bytes) => fromBinary(schema, bytes),
});
