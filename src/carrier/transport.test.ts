import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { Code, ConnectError, createClient, createServiceImplSpec, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { createAsyncIterable, createWritableIterable } from "@connectrpc/connect/protocol";
import { ToolNotFound } from "../errors/index.ts";
import { fromConnectError } from "../errors/wire.ts";
import { HostService } from "../gen/snakepit/v1/host_pb.ts";
import { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import { connectUnix, type StreamSocket } from "../runtime/socket.ts";
import { CallServer } from "./call-server.ts";
import type { CarrierLimits } from "./carrier.ts";
import { DEFAULT_LIMITS, Link, Mark } from "./link.ts";
import { listen } from "./testing-peer.ts";
import { createLinkTransport } from "./transport.ts";

/** The accepted end of a socket. */
class Accepted implements StreamSocket {
  private readonly socket: Socket;

  constructor(socket: Socket, link: Link) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => link.onData(data, data.length));
    socket.on("drain", () => link.onDrain());
    socket.on("error", () => {});
    socket.on("close", () => link.onClose(undefined));
  }

  get waiting(): number {
    return this.socket.writableLength;
  }

  write(data: Uint8Array): boolean {
    this.socket.write(data);
    return this.socket.writableLength === 0;
  }

  cork(): void {}
  uncork(): void {}

  destroy(): void {
    this.socket.destroy();
  }
}

interface Options {
  readonly worker?: Partial<ServiceImpl<typeof WorkerService>>;
  readonly host?: Partial<ServiceImpl<typeof HostService>>;
  readonly limits?: Partial<CarrierLimits>;
}

/** Both sides of a connection in one process: a worker that serves WorkerService, a host that serves HostService. */
async function openBoth(options: Options) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const workerLink = new Link(limits, "w", Mark.HOST);
  const hostLink = new Link(limits, "w");
  const accepted = Promise.withResolvers<void>();
  const server = await listen((socket) => {
    workerLink.open(new Accepted(socket, workerLink));
    accepted.resolve();
  });
  hostLink.open(await connectUnix(server.path, hostLink));
  await accepted.promise;
  for (const link of [workerLink, hostLink]) link.peer = limits;
  const served = new CallServer(workerLink, [createServiceImplSpec(WorkerService, options.worker ?? {})]);
  workerLink.tools = served;
  workerLink.host = served;
  hostLink.worker = new CallServer(hostLink, [createServiceImplSpec(HostService, options.host ?? {})]);
  const transport = createLinkTransport(hostLink);
  return {
    transport,
    worker: createClient(WorkerService, transport),
    host: createClient(HostService, createLinkTransport(workerLink, Mark.WORKER)),
    hostLink,
    workerLink,
    async [Symbol.asyncDispose]() {
      hostLink.close();
      await server.close();
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

describe("unary calls", () => {
  test("carry headers, the message and trailers both ways", async () => {
    await using both = await openBoth({
      worker: {
        ping(request, context) {
          context.responseHeader.set("x-answer", context.requestHeader.get("x-question") ?? "none");
          context.responseTrailer.set("x-last", "bye");
          return { message: request.message.toUpperCase() };
        },
      },
    });
    const seen: (string | null)[] = [];
    const answer = await both.worker.ping(
      { message: "hey" },
      { headers: { "X-Question": "why" }, onHeader: (h) => seen.push(h.get("x-answer")), onTrailer: (t) => seen.push(t.get("x-last")) },
    );
    expect(answer.message).toBe("HEY");
    expect(seen).toEqual(["why", "bye"]);
  });

  test("of tools are served by the short frame as by Open, with headers and trailers in the answer", async () => {
    await using both = await openBoth({
      worker: {
        executeTool({ sessionId, tool, args }, context) {
          context.responseHeader.set("x-session", sessionId);
          context.responseTrailer.set("x-tool", tool);
          return { result: args };
        },
      },
    });
    const args = Uint8Array.of(0x81, 0xa1, 0x78, 5);
    for (const how of [{}, { headers: { "x-by": "open" } }]) {
      const seen: (string | null)[] = [];
      const answer = await both.worker.executeTool(
        { sessionId: "s", tool: "t", args },
        { ...how, onHeader: (h) => seen.push(h.get("x-session")), onTrailer: (t) => seen.push(t.get("x-tool")) },
      );
      expect([answer.result, ...seen]).toEqual([args, "s", "t"]);
    }
  });

  test("fail with code, message, details and metadata, and with the family's own error within", async () => {
    await using both = await openBoth({
      worker: {
        ping(_, context) {
          context.responseTrailer.set("x-trailer", "t");
          throw new ConnectError("not now", Code.Unavailable, { "x-meta": "m" });
        },
        health() {
          throw new ToolNotFound({ tool: "t", nearest: ["u"] });
        },
        listTools() {
          throw new TypeError("a bug");
        },
      },
    });
    const error = await failure(both.worker.ping({}));
    expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: "not now" });
    expect([error.metadata.get("x-meta"), error.metadata.get("x-trailer")]).toEqual(["m", "t"]);
    expect(fromConnectError(await failure(both.worker.health({})))).toMatchObject({ _tag: "ToolNotFound", nearest: ["u"] });
    expect(await failure(both.worker.listTools({}))).toMatchObject({ code: Code.Unknown, rawMessage: "a bug" });
    expect((await failure(both.worker.cleanupSession({}))).code).toBe(Code.Unimplemented);
    expect((await failure(both.host.pingHost({}))).code).toBe(Code.Unimplemented);
  });

  test("end at their timeout and at their signal, and the other side hears of both", async () => {
    const contexts: HandlerContext[] = [];
    const started = Promise.withResolvers<void>();
    await using both = await openBoth({
      worker: {
        async ping(_, context) {
          contexts.push(context);
          started.resolve();
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          return {};
        },
      },
    });
    const controller = new AbortController();
    const aborted = failure(both.worker.ping({}, { signal: controller.signal }));
    await started.promise;
    controller.abort();
    expect((await aborted).code).toBe(Code.Canceled);
    expect((await failure(both.worker.ping({}, { timeoutMs: 20 }))).code).toBe(Code.DeadlineExceeded);
    expect((await failure(both.worker.ping({}, { timeoutMs: 0 }))).code).toBe(Code.DeadlineExceeded);
    expect((await failure(both.worker.ping({}, { signal: AbortSignal.abort() }))).code).toBe(Code.Canceled);
    await Promise.all(contexts.map(({ signal }) => signal.aborted || new Promise((resolve) => signal.addEventListener("abort", resolve))));
    expect(contexts).toHaveLength(2);
  });

  test("over a limit fail on the side that sends, and the connection goes on", async () => {
    await using both = await openBoth({
      limits: { maxMessageBytes: 50_000 },
      worker: { ping: ({ message }) => ({ message: message + message }) },
    });
    const tooLarge = await failure(both.worker.ping({ message: "x".repeat(60_000) }));
    expect(tooLarge.code).toBe(Code.ResourceExhausted);
    expect(fromConnectError(tooLarge)).toMatchObject({ _tag: "PayloadTooLarge", limit: 50_000 });
    const answerTooLarge = await failure(both.worker.ping({ message: "x".repeat(30_000) }));
    expect(answerTooLarge.code).toBe(Code.ResourceExhausted);
    expect((await both.worker.ping({ message: "x" })).message).toBe("xx");
  });

  test("over the receiver's limit are answered before their memory is set aside", async () => {
    await using both = await openBoth({ limits: { maxMessageBytes: 500_000 }, worker: { ping: ({ message }) => ({ message }) } });
    both.hostLink.peer = DEFAULT_LIMITS;
    expect((await failure(both.worker.ping({ message: "x".repeat(5_000_000) }))).code).toBe(Code.ResourceExhausted);
    expect((await both.worker.ping({ message: "x" })).message).toBe("x");
  });

  test("are opened by both sides at once without meeting each other's ids", async () => {
    await using both = await openBoth({
      worker: { ping: ({ message }) => ({ message: `worker ${message}` }) },
      host: { pingHost: ({ message }) => ({ message: `host ${message}` }) },
    });
    const calls = Array.from({ length: 200 }, (_, i) =>
      i % 2 === 0 ? both.worker.ping({ message: `${i}` }) : both.host.pingHost({ message: `${i}` }),
    );
    expect((await Promise.all(calls)).map(({ message }) => message)).toEqual(
      calls.map((_, i) => `${i % 2 === 0 ? "worker" : "host"} ${i}`),
    );
  });

  test("carry large buffers beside the message, seen inline on both sides", async () => {
    const data = new Uint8Array(3_000_000).map((_, i) => i * 7);
    await using both = await openBoth({ host: { callTool: ({ args, buffers }) => ({ result: args, buffers }) } });
    const buffers = [
      { dtype: "bytes", location: { case: "inline", value: data } as const },
      { dtype: "bytes", location: { case: "inline", value: Uint8Array.of(1, 2) } as const },
      { dtype: "bytes", location: { case: "inline", value: data.subarray(5, 20_005) } as const },
    ];
    const answer = await both.host.callTool({ tool: "t", args: Uint8Array.of(1), buffers });
    expect(answer.buffers.map(({ location }) => Buffer.from(location.value as Uint8Array))).toEqual(
      buffers.map(({ location }) => Buffer.from(location.value)),
    );
  });

  test("fail when the connection is lost, on both sides", async () => {
    const started = Promise.withResolvers<HandlerContext>();
    await using both = await openBoth({
      worker: {
        ping(_, context) {
          started.resolve(context);
          return new Promise(() => {});
        },
      },
    });
    const lost = failure(both.worker.ping({}));
    const context = await started.promise;
    both.hostLink.close();
    expect((await lost).code).toBe(Code.Unavailable);
    if (!context.signal.aborted) await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    expect((await failure(both.worker.ping({}))).code).toBe(Code.Unavailable);
  });
});

describe("streaming calls", () => {
  test("of the server give headers, messages and trailers in order", async () => {
    await using both = await openBoth({
      host: {
        async *streamTool(_, context) {
          context.responseHeader.set("x-head", "h");
          for (let i = 0; i < 3; i++) yield { items: [Uint8Array.of(i)] };
          context.responseTrailer.set("x-trail", "t");
        },
      },
    });
    const seen: (string | null)[] = [];
    const messages = await all(
      both.host.streamTool({}, { onHeader: (h) => seen.push(h.get("x-head")), onTrailer: (t) => seen.push(t.get("x-trail")) }),
    );
    expect(messages.map(({ items }) => items[0]?.[0])).toEqual([0, 1, 2]);
    expect(seen).toEqual(["h", "t"]);
  });

  test("give headers and trailers also when there is no message, and when there is an error", async () => {
    await using both = await openBoth({
      host: {
        // biome-ignore lint/correctness/useYield: a stream without messages
        async *streamTool({ tool }, context) {
          context.responseHeader.set("x-head", "h");
          context.responseTrailer.set("x-trail", "t");
          if (tool === "fails") throw new ConnectError("no", Code.Aborted);
        },
      },
    });
    const seen: (string | null)[] = [];
    const watch = { onHeader: (h: Headers) => seen.push(h.get("x-head")), onTrailer: (t: Headers) => seen.push(t.get("x-trail")) };
    expect(await all(both.host.streamTool({}, watch))).toEqual([]);
    const error = await failure(all(both.host.streamTool({ tool: "fails" }, watch)));
    expect(error.code).toBe(Code.Aborted);
    expect(seen).toEqual(["h", "t", "h"]);
    expect(error.metadata.get("x-trail")).toBe("t");
  });

  test("in both directions answer each message as it comes", async () => {
    await using both = await openBoth({
      worker: {
        async *executeToolStream(requests) {
          for await (const { tool } of requests) yield { items: [new TextEncoder().encode(tool)] };
        },
      },
    });
    const requests = createWritableIterable<{ tool: string }>();
    const answers = both.worker.executeToolStream(requests)[Symbol.asyncIterator]();
    for (const tool of ["a", "b", "c"]) {
      void requests.write({ tool });
      const answer = await answers.next();
      expect(new TextDecoder().decode(answer.value?.items[0])).toBe(tool);
    }
    requests.close();
    expect((await answers.next()).done).toBe(true);
  });

  test("whose requests fail end with that error, and the other side is cancelled", async () => {
    const reading = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    await using both = await openBoth({
      worker: {
        async *executeToolStream(requests, context) {
          context.signal.addEventListener("abort", () => cancelled.resolve());
          for await (const { tool } of requests) if (tool === "a") reading.resolve();
        },
      },
    });
    const requests = async function* () {
      yield { tool: "a" };
      await reading.promise;
      throw new RangeError("source broke");
    };
    expect(await failure(all(both.worker.executeToolStream(requests())))).toMatchObject({ rawMessage: "source broke" });
    await cancelled.promise;
  });

  test("stop a producer whose consumer is slow, and nobody else", async () => {
    let made = 0;
    await using both = await openBoth({
      limits: { streamWindowBytes: 10_000 },
      host: {
        async *streamTool() {
          for (let i = 0; i < 100; i++) {
            made++;
            yield { items: [new Uint8Array(2000)] };
          }
        },
        pingHost: ({ message }) => ({ message }),
      },
    });
    const messages = both.host.streamTool({})[Symbol.asyncIterator]();
    await messages.next();
    for (let i = 0; i < 50; i++) await both.host.pingHost({ message: "on" });
    expect(made).toBeLessThan(10);
    let count = 1;
    while (!(await messages.next()).done) count++;
    expect([count, made]).toEqual([100, 100]);
  });

  test("that are left early are cancelled on the other side", async () => {
    const over = Promise.withResolvers<void>();
    await using both = await openBoth({
      worker: {
        async *executeToolStream() {
          try {
            for (;;) yield { items: [] };
          } finally {
            over.resolve();
          }
        },
      },
      limits: { streamWindowBytes: 5000 },
    });
    const method = WorkerService.method.executeToolStream;
    const response = await both.transport.stream(method, undefined, undefined, undefined, createAsyncIterable([{}]));
    for await (const message of response.message) {
      expect(message.items).toEqual([]);
      break;
    }
    await over.promise;
  });

  test("end at their timeout while they wait for a message", async () => {
    const aborted = Promise.withResolvers<void>();
    await using both = await openBoth({
      host: {
        async *streamTool(_, context) {
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
          aborted.resolve();
        },
      },
    });
    expect((await failure(all(both.host.streamTool({}, { timeoutMs: 20 })))).code).toBe(Code.DeadlineExceeded);
    await aborted.promise;
  });

  test("with messages of many megabytes arrive whole beside each other", async () => {
    await using both = await openBoth({
      worker: {
        async *executeToolStream(requests) {
          for await (const { args } of requests) yield { items: [args] };
        },
      },
    });
    const send = async (byte: number): Promise<boolean> => {
      const args = new Uint8Array(4_000_000).fill(byte);
      const messages = await all(both.worker.executeToolStream(createAsyncIterable([{ args }, { args }])));
      return messages.length === 2 && messages.every(({ items }) => Buffer.compare(items[0]!, args) === 0);
    };
    expect(await Promise.all([send(1), send(2), send(3)])).toEqual([true, true, true]);
  });
});
