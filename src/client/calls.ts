/** Calls of tools through a gateway. */
import { checkCall, type Retry, type ToolArguments, type ToolCaller, type ToolCallOptions } from "../api/calls.ts";
import { ProtocolError } from "../errors/index.ts";
import { RetryPolicy, ValueForm } from "../gen/snakepit/v1/gateway_pb.ts";
import type { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { decode, Encoder, OWNED_FROM_BYTES, type ValueSink } from "../value/index.ts";
import type { Connection } from "./connection.ts";
import { Leavable } from "./leavable.ts";
import { checkCallOptions } from "./options.ts";
import type { Shape } from "./protobuf.ts";
import { type Repeatable, repeated, waitToRepeat } from "./retry.ts";
import { Running } from "./running.ts";
import { type BufferMessage, methods } from "./schema.ts";
import type { Tools } from "./tools.ts";
import { orAborted } from "./waiting.ts";

/** Where calls go. */
export interface CallPlace {
  /** Empty outside a session. */
  readonly sessionId: string;
  /** Empty for the pool that has the tool. */
  readonly pool: string;
  /** Throws what calls fail with when they may not be made any more. */
  readonly check: () => void;
}

/** A call as either request has it. */
type CallMessage = Shape<(typeof methods.executeTool)["input"]>;

/** What an answer has, whichever it is. */
interface Answered {
  readonly msgpack: Uint8Array | undefined;
  readonly buffers: readonly BufferMessage[];
}

const policies: Readonly<Record<Retry, RetryPolicy>> = {
  safe: RetryPolicy.SAFE,
  never: RetryPolicy.NEVER,
  always: RetryPolicy.ALWAYS,
};
const encoder = new Encoder();

/** Calls tools at one place behind a gateway. */
export class Calls implements ToolCaller {
  readonly #connection: Connection;
  readonly #tools: Tools;
  readonly #place: CallPlace;

  constructor(connection: Connection, tools: Tools, place: CallPlace) {
    this.#connection = connection;
    this.#tools = tools;
    this.#place = place;
  }

  async execute<Result = unknown>(tool: string, args?: ToolArguments, options: ToolCallOptions = {}): Promise<Result> {
    const message = this.#message(tool, args, options);
    const running = new Running({ ...options, tool, limit: "call", ends: [this.#connection.closed] });
    try {
      const { signal } = running;
      const request = () =>
        this.#connection.unary(methods.executeTool, {
          traceparent: options.traceparent,
          message,
          signal,
          timeLeftMs: running.timeLeftMs,
          once: true,
        });
      const how = this.#how(tool, options, running);
      const answer = await orAborted(repeated(request, how, this.#connection.settings, signal), signal);
      // What a tool returns has the type that the caller says it has.
      return received({ msgpack: answer.resultMsgpack, buffers: answer.buffers }) as Result;
    } catch (error) {
      throw running.failure(error);
    } finally {
      running.end();
    }
  }

  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options: ToolCallOptions = {}): AsyncIterableIterator<Item> {
    // What a tool yields has the type that the caller says it has.
    return new Leavable<Item>((left) => this.#items(tool, args, options, left) as AsyncGenerator<Item>);
  }

  async *#items(tool: string, args: ToolArguments | undefined, options: ToolCallOptions, left: AbortSignal): AsyncGenerator<unknown> {
    const message = this.#message(tool, args, options);
    const running = new Running({ ...options, tool, limit: "stream", ends: [this.#connection.closed, left] });
    const { signal } = running;
    const how = this.#how(tool, options, running);
    try {
      for (let made = 1; ; made++) {
        let begun = false;
        try {
          const request = { traceparent: options.traceparent, message, signal, timeLeftMs: running.timeLeftMs, once: true };
          const messages = this.#connection.stream(methods.executeToolStream, request);
          for (let next = await orAborted(messages.next(), signal); !next.done; next = await orAborted(messages.next(), signal)) {
            begun = true;
            yield received({ msgpack: next.value.itemMsgpack, buffers: next.value.buffers });
          }
          return;
        } catch (error) {
          // A stream that has given an item is never begun again: it would give it twice.
          if (begun) throw error;
          await orAborted(waitToRepeat(error, made, how, this.#connection.settings, signal), signal);
        }
      }
    } catch (error) {
      throw running.failure(error);
    } finally {
      running.leave();
    }
  }

  /** The request. Throws what a call fails with before anything is sent. */
  #message(tool: string, args: ToolArguments | undefined, options: ToolCallOptions): Partial<CallMessage> {
    this.#connection.check();
    this.#place.check();
    checkCallOptions(options);
    checkCall(tool, args);
    const { sessionId, pool } = this.#place;
    const { priority = 0, retry } = options;
    const message = { tool, sessionId, pool, priority, form: ValueForm.MSGPACK, ...(retry !== undefined && { retry: policies[retry] }) };
    if (args === undefined) return message;
    const buffers = new InlineBuffers();
    const encoded = encoder.encode(args, buffers);
    // The memory of a small one is used again by the next.
    return { ...message, argsMsgpack: encoded.length < OWNED_FROM_BYTES ? new Uint8Array(encoded) : encoded, buffers: buffers.messages };
  }

  #how(tool: string, { retry = this.#connection.settings.retry }: ToolCallOptions, running: Running): Repeatable {
    return { retry, idempotent: () => this.#tools.isIdempotent(tool, running.signal), deadline: running.deadline };
  }
}

function received({ msgpack, buffers }: Answered): unknown {
  if (msgpack === undefined) throw new ProtocolError({ reason: "an answer has no value" });
  const parts = buffers.map(({ dtype, shape, kind, inline }) => {
    if (inline === undefined) throw new ProtocolError({ reason: "an answer has a buffer that did not come" });
    // A view of the whole answer: values get copies, in memory of their own.
    return { data: inline, dtype, shape, kind, owned: false };
  });
  return decode(msgpack, 0, msgpack.length, parts);
}

/** Large data in the message itself: there is no second channel over a network. */
class InlineBuffers implements ValueSink {
  readonly messages: BufferMessage[] = [];
  readonly overNetwork = true;

  buffer(inline: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    return this.messages.push({ inline, dtype, shape: [...shape], kind }) - 1;
  }
}
