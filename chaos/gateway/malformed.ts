/** Requests that are wrong in every way that HTTP/1.1 and Connect know, by chance that can be had again. */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Random } from "../../src/testing/random.ts";

/** A request that must be refused. */
export interface Malformed {
  /** What is wrong with it. */
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Whether the server has all that it may wait for. Otherwise the other end leaves after it. */
  readonly whole: boolean;
  /** Statuses that it may be answered with when its token counts; undefined for any above 399, or none at all. */
  readonly statuses: readonly number[] | undefined;
  /** The same for `fetch`, which sends nothing that is not HTTP. */
  readonly init: (RequestInit & { readonly path: string }) | undefined;
}

/** Statuses for whoever is not let in: no token that counts, or too many that did not; what cannot be understood may be said first. */
export const strangerStatuses: readonly number[] = [400, 401, 404, 405, 415, 429, 501, 505];

const service = "/snakepit.v1.GatewayService";
const encode = (text: string): Uint8Array => Buffer.from(text, "latin1");

interface Parts {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  readonly type?: string;
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | string;
  readonly length?: number | string;
  readonly whole?: boolean;
  readonly statuses?: readonly number[];
}

/** Makes one of the kinds. `token` is sent with it; undefined for none. */
export function malformed(random: Random, token: string | undefined): Malformed {
  const [kind, make] = random.pick(kinds);
  const parts = make(random);
  if (parts instanceof Uint8Array) return { kind, bytes: parts, whole: false, statuses: undefined, init: undefined };
  const { method = "POST", path = `${service}/ExecuteTool`, version = "HTTP/1.1", type = "application/json", whole = true } = parts;
  const body = typeof parts.body === "string" ? Buffer.from(parts.body) : Buffer.from(parts.body ?? []);
  const own = [...(token === undefined ? [] : [`Authorization: Bearer ${token}`]), ...(type === "" ? [] : [`Content-Type: ${type}`])];
  const lines = [
    `${method} ${path} ${version}`,
    "Host: 127.0.0.1",
    "Connection: close",
    ...own,
    ...(parts.length === "" ? [] : [`Content-Length: ${parts.length ?? body.length}`]),
    ...(parts.headers ?? []),
  ];
  const bytes = Buffer.concat([encode(`${lines.join("\r\n")}\r\n\r\n`), body]);
  const headers = [...own, ...(parts.headers ?? [])].map((line): [string, string] => [
    line.slice(0, line.indexOf(":")),
    line.slice(line.indexOf(":") + 2),
  ]);
  const init = whole ? { path, method, headers, ...(method !== "GET" && { body }) } : undefined;
  return { kind, bytes, whole, statuses: parts.statuses, init };
}

/** Whether an answer says no. Streams and gRPC-Web say it behind a status of 200. */
export function isRefusal(status: number, body: string): boolean {
  return status >= 400 || /"error":\s*\{\s*"code"/.test(body) || /grpc-status:\s*[1-9]/i.test(body);
}

const badRequest = [400];
/** What there is not is passed over, so that old servers stand new clients; then no tool is named. */
const passedOver = [400, 404];
const call = (args: string): string => `{"tool":"add","args":${args}}`;
const noise = (random: Random, most: number): Uint8Array => Uint8Array.from({ length: 1 + random.whole(most) }, () => random.whole(256));
const word = (random: Random): string => Buffer.from(noise(random, 12)).toString("base64url");
/** The envelope of one message in a stream. */
const envelope = (flags: number, length: number, body: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, body]);
};
const stream = (body: Uint8Array, more: Parts = {}): Parts => ({
  path: `${service}/ExecuteToolStream`,
  type: "application/connect+json",
  body,
  ...more,
});

const kinds: readonly [
  readonly [string, (random: Random) => Parts | Uint8Array],
  ...(readonly [string, (random: Random) => Parts | Uint8Array])[],
] = [
  // No HTTP.
  ["noise", (random) => noise(random, 2_000)],
  ["a TLS hello", (random) => Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), noise(random, 500)])],
  ["half a preface of HTTP/2", (random) => encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".slice(0, 1 + random.whole(23)))],
  ["a head that does not end", (random) => encode(`POST ${service}/ListTools HTTP/1.1\r\nHost: x\r\nX-${word(random)}: `)],
  // HTTP that is wrong.
  ["another version", (random) => ({ version: random.pick(["HTTP/9.9", "HTTP/1.2x", "HTTP", "http/1.1", "HTTP/0.9"]), whole: false })],
  ["a method that there is not", (random) => ({ method: random.pick(["GE T", "P\u0000ST", "(POST)", "", "POST\tX"]), whole: false })],
  [
    "a path with what a path may not have",
    (random) => ({
      path: random.pick(["/\u0000", "/ /x", "//", "/%", "/%zz", "/..;/..", "\\", "*", "http://", "/\u0080\u00ff"]),
      whole: false,
    }),
  ],
  ["a header without a colon", (random) => ({ headers: [word(random)], whole: false })],
  [
    "a header with what it may not have",
    (random) => ({ headers: [random.pick(["X: a\u0000b", "X\u0001: a", " X: folded", "X : a", ": empty", "X: a\rb"])], whole: false }),
  ],
  [
    "a head that is too long",
    (random) => ({ headers: Array.from({ length: 400 }, () => `X-${word(random)}: ${"x".repeat(500)}`), whole: false }),
  ],
  ["a path that is too long", (random) => ({ path: `/${"x".repeat(100_000 + random.whole(1_000))}`, whole: false })],
  ["two lengths", () => ({ headers: ["Content-Length: 3"], body: "{}", whole: false })],
  [
    "a length that is none",
    (random) => ({ length: random.pick(["-1", "1e9", "0x10", "9".repeat(30), "two", "2,2"]), body: "{}", whole: false }),
  ],
  ["a length and chunks", () => ({ headers: ["Transfer-Encoding: chunked"], body: "0\r\n\r\n", whole: false })],
  [
    "chunks that are wrong",
    (random) => ({
      length: "",
      headers: ["Transfer-Encoding: chunked"],
      body: random.pick(["zz\r\n{}\r\n", "-2\r\n{}", "ffffffffffffffffff\r\n", "2{}\r\n", "2\r\n{}x\r\n0\r\n\r\n"]),
      whole: false,
    }),
  ],
  ["another encoding of the transfer", () => ({ length: "", headers: ["Transfer-Encoding: gzip"], body: "{}", whole: false })],
  ["a body that does not come", (random) => ({ length: 10 + random.whole(1_000), body: "{", whole: false })],
  // HTTP that is right, and no RPC.
  ["a path that there is not", (random) => ({ path: `/${word(random)}`, statuses: [404] })],
  ["an RPC that there is not", (random) => ({ path: `${service}/${word(random)}`, body: "{}", statuses: [404] })],
  [
    "a method that is not for RPCs",
    (random) => ({ method: random.pick(["PUT", "PATCH", "DELETE", "GET"]), body: "", statuses: [400, 405, 415] }),
  ],
  ["no type", () => ({ type: "", body: "{}", statuses: [415] })],
  [
    "another type",
    (random) => ({
      type: random.pick(["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonx"]),
      body: "{}",
      statuses: [415],
    }),
  ],
  ["a stream's type for one message", () => ({ type: "application/connect+json", body: envelope(0, 2, encode("{}")), statuses: [415] })],
  // An RPC that is wrong.
  [
    "no JSON",
    (random) => ({
      body: random.pick(["", "{", "nothing", "[]", '"text"', "1", "{}{}", "{'a':1}", '{"tool":}']),
      statuses: badRequest,
    }),
  ],
  [
    "JSON of other types",
    (random) => ({
      body: random.pick([
        '{"tool":1}',
        '{"tool":["add"]}',
        '{"priority":"high"}',
        '{"priority":1e99}',
        '{"retry":"RETRY_POLICY_OFTEN"}',
        '{"argsMsgpack":"***"}',
      ]),
      statuses: passedOver,
    }),
  ],
  [
    "JSON that is very deep",
    (random) => {
      const depth = 5_000 + random.whole(20_000);
      return { body: call(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`), statuses: badRequest };
    },
  ],
  ["fields that there are not", (random) => ({ body: `{"${word(random)}":1}`, statuses: passedOver })],
  ["arguments that are none", (random) => ({ body: call(random.pick(["[]", '"text"', "1", "true"])), statuses: badRequest })],
  [
    "arguments that do not fit",
    (random) => ({
      body: call(random.pick(['{"a":"text"}', '{"b":1}', '{"a":1,"c":2}', '{"a":null}', '{"a":{"a":1}}'])),
      statuses: badRequest,
    }),
  ],
  [
    "no protobuf",
    (random) => ({
      type: "application/proto",
      body: Buffer.concat([Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f]), noise(random, 300)]),
      statuses: badRequest,
    }),
  ],
  [
    "MessagePack that is none",
    (random) => ({
      body: JSON.stringify({ tool: "add", argsMsgpack: Buffer.concat([Buffer.from([0xc1]), noise(random, 50)]).toString("base64") }),
      statuses: badRequest,
    }),
  ],
  [
    "MessagePack that is longer than it is",
    () => ({
      body: JSON.stringify({ tool: "add", argsMsgpack: Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]).toString("base64") }),
      statuses: badRequest,
    }),
  ],
  [
    "another compression",
    (random) => ({ headers: [`Content-Encoding: ${random.pick(["zstd", "deflate", "compress", "x"])}`], body: "{}", statuses: [501] }),
  ],
  ["no gzip", (random) => ({ headers: ["Content-Encoding: gzip"], body: noise(random, 200), statuses: badRequest })],
  ["another version of Connect", () => ({ headers: ["Connect-Protocol-Version: 2"], body: "{}", statuses: passedOver })],
  [
    "a deadline that is none",
    (random) => ({
      headers: [`Connect-Timeout-Ms: ${random.pick(["soon", "-1", "1.5", "99999999999", ""])}x`],
      body: call('{"a":1}'),
      statuses: badRequest,
    }),
  ],
  // A stream that is wrong: the error stands at its end.
  ["an envelope that is longer than it is", (random) => stream(envelope(0, 100 + random.whole(10_000), encode("{}")))],
  ["an envelope of 4 GB", () => stream(envelope(0, 0xffff_ffff, encode("{}")))],
  ["a compressed envelope without a compression", () => stream(envelope(1, 2, encode("{}")))],
  ["half an envelope", (random) => stream(new Uint8Array(1 + random.whole(4)))],
  ["no envelope", () => stream(new Uint8Array())],
  ["two messages where there is one", () => stream(Buffer.concat([envelope(0, 2, encode("{}")), envelope(0, 2, encode("{}"))]))],
  [
    "an envelope without JSON",
    (random) => {
      const body = noise(random, 100);
      return stream(envelope(0, body.length, body));
    },
  ],
  ["gRPC-Web without a message", () => ({ type: "application/grpc-web+proto", body: "" })],
  [
    "gRPC-Web without protobuf",
    (random) => {
      const body = noise(random, 100);
      return { type: "application/grpc-web+proto", body: envelope(0, body.length + 7, body) };
    },
  ],
];

/** Bodies that are small on the way and so large when they are unpacked, with the header that says how. */
export function bombs(bytes: number): readonly { readonly encoding: string; readonly body: Buffer<ArrayBuffer> }[] {
  const blanks = Buffer.alloc(bytes, " ");
  return [
    { encoding: "gzip", body: gzipSync(blanks) },
    { encoding: "br", body: brotliCompressSync(blanks, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }) },
  ];
}
