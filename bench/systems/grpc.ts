/** @grpc/grpc-js to grpcio, over a Unix socket. */
import { beside, load, startServer } from "./peer.ts";
import type { Open } from "./system.ts";

type Reply<T> = (error: Error | null, reply: { value: T }) => void;
interface Client {
  Echo(request: { value: string }, reply: Reply<string>): void;
  Blob(request: { value: Uint8Array }, reply: Reply<Uint8Array>): void;
  Items(request: { value: number }): AsyncIterable<{ value: string }>;
  close(): void;
}
interface Grpc {
  readonly credentials: { createInsecure(): object };
  loadPackageDefinition(definition: object): {
    readonly bench: { readonly Bench: new (address: string, credentials: object, options: Record<string, number>) => Client };
  };
}
interface Loader {
  loadSync(file: string): object;
}

/** It refuses messages of more than 4 MB unless both sides say otherwise. */
const MOST_BYTES = 64 * 2 ** 20;

export const openGrpc: Open = async (python) => {
  const grpc = load<Grpc>("@grpc/grpc-js");
  const { bench } = grpc.loadPackageDefinition(load<Loader>("@grpc/proto-loader").loadSync(beside("grpc.proto")));
  const server = await startServer(python, "grpc_server.py");
  const client = new bench.Bench(`unix:${server.socket}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": MOST_BYTES,
    "grpc.max_send_message_length": MOST_BYTES,
  });
  const call = <T>(start: (reply: Reply<T>) => void): Promise<T> =>
    new Promise((resolve, reject) => start((error, reply) => (error === null ? resolve(reply.value) : reject(error))));
  return {
    echo: (text) => call<string>((reply) => client.Echo({ value: text }, reply)),
    async *items(n) {
      for await (const { value } of client.Items({ value: n })) yield value;
    },
    blob: (data) => call<Uint8Array>((reply) => client.Blob({ value: data }, reply)),
    pid: server.pid,
    async close() {
      client.close();
      await server.close();
    },
  };
};
