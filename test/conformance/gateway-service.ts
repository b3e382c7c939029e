/** ConformanceService as the suite describes it in its service.proto, for the gateway's server. */
import { create, createRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import * as pb from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** Messages that go inside of others, which their JSON has to name. */
const registry = createRegistry(pb.file_connectrpc_conformance_v1_service);

type RequestInfo = MessageInitShape<typeof pb.ConformancePayload_RequestInfoSchema>;
type StreamDefinition = pb.StreamResponseDefinition | undefined;

/** Adds the service. `unimplemented` is left out, as the suite wants it. */
export function addConformanceService(router: ConnectRouter): void {
  const service: Partial<ServiceImpl<typeof pb.ConformanceService>> = {
    unary: async (request, context) => ({
      payload: await one(request.responseDefinition, [anyPack(pb.UnaryRequestSchema, request)], context),
    }),
    idempotentUnary: async (request, context) => ({
      payload: await one(request.responseDefinition, [anyPack(pb.IdempotentUnaryRequestSchema, request)], context),
    }),
    async clientStream(requests, context) {
      const received: pb.ClientStreamRequest[] = [];
      for await (const request of requests) received.push(request);
      const packed = received.map((request) => anyPack(pb.ClientStreamRequestSchema, request));
      return { payload: await one(received[0]?.responseDefinition, packed, context) };
    },
    async *serverStream(request, context) {
      const definition = request.responseDefinition;
      setMetadata(definition, context);
      const info = infoOf(context, [anyPack(pb.ServerStreamRequestSchema, request)]);
      for await (const payload of many(definition, 0, info)) yield { payload };
    },
    bidiStream: (requests, context) => bidi(requests, context),
  };
  router.service(pb.ConformanceService, service, { jsonOptions: { registry } });
}

async function* bidi(requests: AsyncIterable<pb.BidiStreamRequest>, context: HandlerContext) {
  let definition: StreamDefinition;
  let fullDuplex = false;
  let answered = 0;
  let unanswered: Any[] = [];
  for await (const request of requests) {
    if (definition === undefined) {
      definition = request.responseDefinition;
      fullDuplex = request.fullDuplex;
      setMetadata(definition, context);
    }
    unanswered.push(anyPack(pb.BidiStreamRequestSchema, request));
    if (!fullDuplex) continue;
    const data = definition?.responseData[answered];
    if (data === undefined) break;
    await pause(definition?.responseDelayMs);
    yield { payload: { data, requestInfo: infoOf(context, unanswered, answered > 0) } };
    answered++;
    unanswered = [];
  }
  const info = answered === 0 ? infoOf(context, unanswered) : undefined;
  for await (const payload of many(definition, answered, info)) yield { payload };
}

/** What is left of the answers of a stream, the first of them with `info`, and its end. */
async function* many(definition: StreamDefinition, from: number, info: RequestInfo | undefined) {
  let untold = info;
  for (const data of definition?.responseData.slice(from) ?? []) {
    await pause(definition?.responseDelayMs);
    yield { data, ...(untold !== undefined && { requestInfo: untold }) };
    untold = undefined;
  }
  if (definition?.error !== undefined) throw failure(definition.error, untold);
}

async function one(definition: pb.UnaryResponseDefinition | undefined, requests: Any[], context: HandlerContext) {
  setMetadata(definition, context);
  await pause(definition?.responseDelayMs);
  const requestInfo = infoOf(context, requests);
  const response = definition?.response;
  if (response?.case === "error") throw failure(response.value, requestInfo);
  return { data: response?.value ?? new Uint8Array(), requestInfo };
}

function infoOf(context: HandlerContext, requests: Any[], onlyRequests = false): RequestInfo {
  if (onlyRequests) return { requests };
  const remaining = context.timeoutMs();
  const query = new URL(context.url).searchParams;
  return {
    requests,
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
    ...(remaining !== undefined && { timeoutMs: BigInt(Math.trunc(remaining)) }),
    ...(context.requestMethod === "GET" && {
      connectGetInfo: { queryParams: [...query].map(([name, value]) => ({ name, value: [value] })) },
    }),
  };
}

function failure(error: pb.Error, info: RequestInfo | undefined): ConnectError {
  const failed = new ConnectError(error.message ?? "", Number(error.code));
  for (const { typeUrl, value } of error.details) failed.details.push({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value });
  if (info !== undefined)
    failed.details.push({ desc: pb.ConformancePayload_RequestInfoSchema, value: create(pb.ConformancePayload_RequestInfoSchema, info) });
  return failed;
}

interface Metadata {
  readonly responseHeaders: readonly pb.Header[];
  readonly responseTrailers: readonly pb.Header[];
}

function setMetadata(definition: Metadata | undefined, context: HandlerContext): void {
  for (const { name, value } of definition?.responseHeaders ?? []) for (const each of value) context.responseHeader.append(name, each);
  for (const { name, value } of definition?.responseTrailers ?? []) for (const each of value) context.responseTrailer.append(name, each);
}

/** The suite asks for delays. */
const pause = (ms: number | undefined) => (ms ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : Promise.resolve());
