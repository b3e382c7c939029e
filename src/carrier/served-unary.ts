/** A unary call that the other side opened. */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { MethodImplSpec } from "@connectrpc/connect";
import { decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { Kind } from "./frame.ts";
import { ServedCall } from "./served-call.ts";

/** A method that takes one message and gives one. */
export type UnaryMethod = Extract<MethodImplSpec, { kind: "unary" }>;

/** One call. What its method gives as a value, and not as a promise, is sent before {@link run} returns. */
export class ServedUnary extends ServedCall {
  /** Runs the method on the request in its Open frame. */
  run({ impl, method }: UnaryMethod, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    let request: MessageShape<DescMessage>;
    try {
      request = decodeMessage(this.link, method.input, this.id, bytes, start, end, owned).message;
    } catch (error) {
      this.fail(unreadableMessage(error));
      return;
    }
    try {
      const response = impl(request, this.context);
      if (!isPromise(response)) {
        this.answer(method.output, response);
        return;
      }
      this.pend();
      response.then(
        (value) => this.answer(method.output, value),
        (error: unknown) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }

  private answer(output: DescMessage, response: MessageInitShape<DescMessage>): void {
    if (this.isOver) return;
    try {
      const prefix = this.context.meta();
      const message = encodeMessage(this.link, output, create(output, response), prefix);
      this.over();
      sendMessage(this.link, this.id, { kind: Kind.RESULT, prefix }, message);
    } catch (error) {
      this.fail(error);
    }
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}
