/**
 * The client under test. The suite's runner writes calls to its stdin, each with its length before it, and reads what came of them from its
 * stdout. All calls to one server share one connection of the local carrier.
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { makeCall } from "./call.ts";
import { connectTo } from "./connect.ts";
import {
  type ClientCompatRequest,
  ClientCompatRequestSchema,
  ClientCompatResponseSchema,
  ClientErrorResultSchema,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.ts";

const LENGTH_BYTES = 4;

const connections = new Map<string, ReturnType<typeof connectTo>>();

async function answer(request: ClientCompatRequest): Promise<void> {
  const response = create(ClientCompatResponseSchema, { testName: request.testName });
  try {
    let connection = connections.get(request.host);
    if (connection === undefined) {
      connection = connectTo(request.host);
      connections.set(request.host, connection);
    }
    const client = createClient(ConformanceService, (await connection).transport);
    response.result = { case: "response", value: await makeCall(request, client) };
  } catch (error) {
    response.result = { case: "error", value: create(ClientErrorResultSchema, { message: String(error) }) };
  }
  const body = toBinary(ClientCompatResponseSchema, response);
  const frame = Buffer.alloc(LENGTH_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, LENGTH_BYTES);
  process.stdout.write(frame);
}

const running: Promise<void>[] = [];
let received = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  received = Buffer.concat([received, chunk]);
  while (received.length >= LENGTH_BYTES) {
    const end = LENGTH_BYTES + received.readUInt32BE();
    if (received.length < end) break;
    running.push(answer(fromBinary(ClientCompatRequestSchema, received.subarray(LENGTH_BYTES, end))));
    received = received.subarray(end);
  }
}
await Promise.all(running);
for (const connection of connections.values()) (await connection).close();
