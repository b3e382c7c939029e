/** Makes one call as the suite describes it, through the public Connect client, and notes what came of it. */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type CallOptions, type Client, ConnectError } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import {
  type ClientCompatRequest,
  type ClientResponseResult,
  ClientResponseResultSchema,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import { StreamType } from "./gen/connectrpc/conformance/v1/config_pb.ts";
import * as service from "./gen/connectrpc/conformance/v1/service_pb.ts";

type ConformanceClient = Client<typeof service.ConformanceService>;

/**
 * Makes the call.
 * @param request what to call and how
 * @param client a client over the transport under test
 * @returns headers, payloads, trailers and error as the client saw them
 */
export async function makeCall(request: ClientCompatRequest, client: ConformanceClient): Promise<ClientResponseResult> {
  const call = new Call(request);
  try {
    await call.run(client);
  } catch (error) {
    call.failed(error);
  }
  return call.result;
}

/** The delays are part of what the suite asks for. */
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Call {
  readonly result = create(ClientResponseResultSchema);
  readonly #request: ClientCompatRequest;
  readonly #abort = new AbortController();
  readonly #options: CallOptions;

  constructor(request: ClientCompatRequest) {
    this.#request = request;
    const headers = new Headers();
    for (const { name, value } of request.requestHeaders) for (const each of value) headers.append(name, each);
    this.#options = {
      headers,
      signal: this.#abort.signal,
      onHeader: (got) => {
        this.result.responseHeaders = toHeaders(got);
      },
      onTrailer: (got) => {
        this.result.responseTrailers = toHeaders(got);
      },
      ...(request.timeoutMs !== undefined && { timeoutMs: request.timeoutMs }),
    };
  }

  async run(client: ConformanceClient): Promise<void> {
    const { requestDelayMs, method, streamType } = this.#request;
    switch (method) {
      case "Unary": {
        await delay(requestDelayMs);
        const answer = client.unary(this.#only(service.UnaryRequestSchema), this.#options);
        this.#sendClosed();
        return this.#received((await answer).payload);
      }
      case "IdempotentUnary": {
        await delay(requestDelayMs);
        const answer = client.idempotentUnary(this.#only(service.IdempotentUnaryRequestSchema), this.#options);
        this.#sendClosed();
        return this.#received((await answer).payload);
      }
      case "Unimplemented":
        await client.unimplemented(this.#only(service.UnimplementedRequestSchema), this.#options);
        return;
      case "ServerStream": {
        await delay(requestDelayMs);
        const answers = client.serverStream(this.#only(service.ServerStreamRequestSchema), this.#options);
        this.#sendClosed();
        for await (const { payload } of answers) this.#received(payload);
        return;
      }
      case "ClientStream":
        return this.#received((await client.clientStream(this.#paced(), this.#options)).payload);
      case "BidiStream":
        return this.#bidi(client, streamType === StreamType.FULL_DUPLEX_BIDI_STREAM);
      default:
        throw new Error(`the suite asks for a method that ConformanceService does not have: ${method}`);
    }
  }

  /** Notes how the call failed. */
  failed(reason: unknown): void {
    const error = ConnectError.from(reason);
    this.result.error = create(service.ErrorSchema, {
      code: error.code,
      message: error.rawMessage,
      details: error.details.map((detail) =>
        "desc" in detail
          ? anyPack(detail.desc, create(detail.desc, detail.value))
          : create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }),
      ),
    });
    // A ConnectError holds headers and trailers together; the suite looks for what it expects in each.
    const metadata = toHeaders(error.metadata);
    if (this.result.responseHeaders.length === 0) this.result.responseHeaders = metadata;
    this.result.responseTrailers = metadata;
  }

  async *#paced(): AsyncGenerator<service.ClientStreamRequest> {
    for (const message of this.#messages(service.ClientStreamRequestSchema)) {
      await delay(this.#request.requestDelayMs);
      yield message;
    }
    this.#beforeSendCloses();
    this.#sendClosed();
  }

  async #bidi(client: ConformanceClient, fullDuplex: boolean): Promise<void> {
    const requests = createWritableIterable<service.BidiStreamRequest>();
    const answers = client.bidiStream(requests, this.#options)[Symbol.asyncIterator]();
    for (const message of this.#messages(service.BidiStreamRequestSchema)) {
      await delay(this.#request.requestDelayMs);
      try {
        await requests.write(message);
      } catch {
        // The transport has closed the requests because the call has failed: the responses say how.
        break;
      }
      if (!fullDuplex) continue;
      const answer = await answers.next();
      if (!answer.done) this.#received(answer.value.payload);
    }
    this.#beforeSendCloses();
    requests.close();
    this.#sendClosed();
    for (let answer = await answers.next(); !answer.done; answer = await answers.next()) this.#received(answer.value.payload);
  }

  #received(payload: service.ConformancePayload | undefined): void {
    this.result.payloads.push(payload ?? create(service.ConformancePayloadSchema));
    const timing = this.#request.cancel?.cancelTiming;
    if (timing?.case === "afterNumResponses" && timing.value === this.result.payloads.length) this.#abort.abort();
  }

  #beforeSendCloses(): void {
    if (this.#request.cancel?.cancelTiming.case === "beforeCloseSend") this.#abort.abort();
  }

  #sendClosed(): void {
    const timing = this.#request.cancel?.cancelTiming;
    if (timing?.case === "afterCloseSendMs") setTimeout(() => this.#abort.abort(), timing.value);
    else if (timing !== undefined && timing.case === undefined) this.#abort.abort();
  }

  #messages<T extends DescMessage>(schema: T): MessageShape<T>[] {
    return this.#request.requestMessages.map((any) => {
      const message = anyUnpack(any, schema);
      if (message === undefined) throw new Error(`the suite sent ${any.typeUrl} for a method that takes ${schema.typeName}`);
      return message;
    });
  }

  #only<T extends DescMessage>(schema: T): MessageShape<T> {
    const [message, ...more] = this.#messages(schema);
    if (message === undefined || more.length > 0) throw new Error("the suite sent other than one message for a method that takes one");
    return message;
  }
}

const toHeaders = (headers: Headers): service.Header[] =>
  [...headers].map(([name, value]) => create(service.HeaderSchema, { name, value: [value] }));
