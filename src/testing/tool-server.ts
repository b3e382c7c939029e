/** A worker's side of tool calls: what docs/protocol.md asks of whoever answers Execute and ExecuteStream. */
import { create, toBinary } from "@bufbuild/protobuf";
import { decodeMessage, encodeMessage, sendMessage } from "../carrier/connect-message.ts";
import { fault, Kind } from "../carrier/frame.ts";
import { encodeCallError } from "../carrier/headers.ts";
import type { CallSink, Link } from "../carrier/link.ts";
import { SendCredit } from "../carrier/stream-credit.ts";
import { isSnakepitError, type SnakepitError, ToolFailed, ToolNotFound } from "../errors/index.ts";
import { toConnectError } from "../errors/wire.ts";
import { EventSchema } from "../gen/snakepit/v1/frame_pb.ts";
import { type Buffer, BufferSchema } from "../gen/snakepit/v1/value_pb.ts";
import {
  type ExecuteToolRequest,
  ExecuteToolRequestSchema,
  ExecuteToolResponseSchema,
  type ExecuteToolStreamRequest,
  ExecuteToolStreamRequestSchema,
  ExecuteToolStreamResponseSchema,
} from "../gen/snakepit/v1/worker_pb.ts";
import { decode, Encoder, type ReceivedBuffer } from "../value/index.ts";
import type { ServedTool } from "./tools.ts";

const nothing = new Uint8Array(0);

/** A call that runs, or was cancelled and whose code still does. */
interface RunningCall {
  readonly id: number;
  readonly abort: AbortController;
  readonly credit: SendCredit;
}

/** Runs tools for the host at the other end of a {@link Link}. */
export class ToolServer implements CallSink {
  /** Calls that have ended. */
  ended = 0;
  readonly #link: Link;
  readonly #worker: string;
  readonly #tools: ReadonlyMap<string, ServedTool>;
  readonly #encoder = new Encoder();
  readonly #calls = new Map<number, RunningCall>();
  #cancelled = 0;

  constructor(link: Link, worker: string, tools: ReadonlyMap<string, ServedTool>) {
    this.#link = link;
    this.#worker = worker;
    this.#tools = tools;
  }

  /** Calls that run. */
  get running(): number {
    return this.#calls.size;
  }

  /** Calls that were cancelled and whose code still runs. */
  get cancelled(): number {
    return this.#cancelled;
  }

  message(
    bytes: Uint8Array,
    kind: number,
    _flags: number,
    _prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    if (kind === Kind.EXECUTE || kind === Kind.EXECUTE_STREAM) {
      if (this.#calls.has(id)) throw fault(`a second call ${id}`);
      const schema = kind === Kind.EXECUTE ? ExecuteToolRequestSchema : ExecuteToolStreamRequestSchema;
      const { message } = decodeMessage(this.#link, schema, id, bytes, start, end, owned);
      const call = { id, abort: new AbortController(), credit: new SendCredit(this.#link.peer.streamWindowBytes) };
      this.#calls.set(id, call);
      void this.#run(call, message);
    } else if (kind === Kind.CANCEL) this.#stop(id);
    else if (kind === Kind.CREDIT) this.#calls.get(id)?.credit.grant(aux);
    // Input streams are not taken here, so neither are their messages nor their End.
    else if (kind !== Kind.END && kind !== Kind.MESSAGE) throw fault(`a frame of kind ${kind} for a call of the sender's`);
  }

  isOpen(id: number): boolean {
    return this.#calls.has(id);
  }

  breakOff(id: number, error: SnakepitError): void {
    this.#stop(id);
    this.#fail(id, "", error);
  }

  closed(): void {
    for (const id of [...this.#calls.keys()]) this.#stop(id);
  }

  #stop(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    this.#cancelled++;
    call.credit.stop();
    call.abort.abort();
  }

  async #run(call: RunningCall, request: ExecuteToolRequest | ExecuteToolStreamRequest): Promise<void> {
    const { id } = call;
    const { tool: name } = request;
    try {
      const tool = this.#tools.get(name);
      if (tool === undefined) throw new ToolNotFound({ tool: name, nearest: [] });
      const args = readArguments(request);
      const result = tool.run(args, {
        signal: call.abort.signal,
        worker: this.#worker,
        session: request.sessionId,
        progress: (value) => {
          if (!this.#calls.has(id)) return;
          this.#link.writer.message(Kind.EVENT, 0, 0, id, 0, [
            toBinary(EventSchema, create(EventSchema, { event: { case: "progress", value } })),
          ]);
        },
      });
      if (tool.spec.streaming) await this.#stream(call, result);
      else this.#answer(id, await result);
    } catch (error) {
      this.#fail(id, name, error);
    } finally {
      this.ended++;
      if (!this.#calls.delete(id)) this.#cancelled--;
    }
  }

  #answer(id: number, result: unknown): void {
    if (!this.#calls.has(id)) return;
    const { packed, buffers } = this.#pack(result);
    const response = create(ExecuteToolResponseSchema, { result: packed, buffers });
    sendMessage(
      this.#link,
      id,
      { kind: Kind.RESULT, prefix: nothing },
      encodeMessage(this.#link, ExecuteToolResponseSchema, response, nothing),
    );
  }

  async #stream(call: RunningCall, items: unknown): Promise<void> {
    const { id, credit } = call;
    // A tool that says it streams returns something to iterate over; what else it returns throws here, as it should.
    for await (const item of items as AsyncIterable<unknown>) {
      if (!(await credit.ready())) return;
      const { packed, buffers } = this.#pack(item);
      const response = create(ExecuteToolStreamResponseSchema, { items: [packed], buffers });
      const message = encodeMessage(this.#link, ExecuteToolStreamResponseSchema, response);
      sendMessage(this.#link, id, { kind: Kind.MESSAGE, aux: 1 }, message);
      credit.spend(message.cost);
    }
    if (this.#calls.has(id)) this.#link.writer.message(Kind.END, 0, 0, id, 0, [nothing]);
  }

  #fail(id: number, tool: string, error: unknown): void {
    if (!this.#calls.has(id) || this.#link.reason !== undefined) return;
    const failure = toConnectError(isSnakepitError(error) ? error : toolFailed(tool, error));
    this.#link.writer.message(Kind.ERROR, 0, 0, id, failure.code, [encodeCallError(failure)]);
  }

  #pack(value: unknown): { readonly packed: Uint8Array; readonly buffers: Buffer[] } {
    const buffers: Buffer[] = [];
    const packed = this.#encoder.encode(value, {
      buffer(data, dtype, shape, kind) {
        return buffers.push(create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location: { case: "inline", value: data } })) - 1;
      },
    });
    // The encoder uses its memory again for the next value.
    return { packed: packed.slice(), buffers };
  }
}

function readArguments({ args, buffers }: ExecuteToolRequest | ExecuteToolStreamRequest): Record<string, unknown> {
  if (args.length === 0) return {};
  const received = buffers.map(({ dtype, shape, kind, location }): ReceivedBuffer => {
    const data = location.case === "inline" ? location.value : nothing;
    return { data, dtype, shape: shape.map(Number), kind, owned: true };
  });
  // The pool sends nothing but an object by parameter name.
  return decode(args, 0, args.length, received) as Record<string, unknown>;
}

function toolFailed(tool: string, error: unknown): ToolFailed {
  const { name: type, message: detail, stack: traceback = "" } = error instanceof Error ? error : new Error(String(error));
  return new ToolFailed({ tool, type, detail, traceback, causes: [] }, { cause: error });
}
