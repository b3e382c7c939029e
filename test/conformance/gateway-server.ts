/**
 * The gateway's server as a server under test: what the gateway does with a request, but for who may ask, around the suite's own service. It reads from stdin how
 * to listen, says on stdout where it does, and listens until it is told to end.
 */
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { serveSite } from "../../src/gateway/http/serve.ts";
import type { TlsFiles } from "../../src/runtime/http-tls.ts";
import { addConformanceService } from "./gateway-service.ts";
import {
  type ServerCompatRequest,
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";

const LENGTH_BYTES = 4;
const folder = mkdtempSync(join(tmpdir(), "conformance-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.on("SIGTERM", () => process.exit(0));

function inFile(name: string, content: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

function tlsOf({ useTls, serverCreds, clientTlsCert }: ServerCompatRequest): TlsFiles | undefined {
  if (!useTls || serverCreds === undefined) return undefined;
  return {
    certFile: inFile("server.pem", serverCreds.cert),
    keyFile: inFile("server.key", serverCreds.key),
    ...(clientTlsCert.length > 0 && { clientCaFile: inFile("client.pem", clientTlsCert) }),
  };
}

async function readRequest(): Promise<ServerCompatRequest> {
  let received = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    received = Buffer.concat([received, chunk]);
    if (received.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + received.readUInt32BE();
    if (received.length >= end) return fromBinary(ServerCompatRequestSchema, received.subarray(LENGTH_BYTES, end));
  }
  throw new Error("the suite asked for no server");
}

const request = await readRequest();
const tls = tlsOf(request);
const server = await serveSite(
  {
    routes: addConformanceService,
    admit: async () => ({ values: createContextValues(), release() {} }),
    page: async () => undefined,
  },
  {
    port: 0,
    host: "127.0.0.1",
    ...(tls !== undefined && { tls }),
    ...(request.messageReceiveLimit > 0 && { limits: { maxBodyBytes: request.messageReceiveLimit } }),
  },
);
const body = toBinary(
  ServerCompatResponseSchema,
  create(ServerCompatResponseSchema, {
    host: "127.0.0.1",
    port: server.port,
    ...(request.serverCreds && { pemCert: request.serverCreds.cert }),
  }),
);
const frame = Buffer.alloc(LENGTH_BYTES + body.length);
frame.writeUInt32BE(body.length);
frame.set(body, LENGTH_BYTES);
process.stdout.write(frame);
