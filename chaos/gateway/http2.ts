/** Connections of HTTP/2 that break its rules, or keep them and ask for too much, by chance that can be had again. */
import type { Random } from "../../src/testing/random.ts";

/** What every connection begins with: the preface and empty settings. */
const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, Buffer.alloc(0))]);
const END_STREAM = 1;
const END_HEADERS = 4;

/** What is wrong with a connection, and its bytes. */
export interface Hostile {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** Makes one of the kinds. `token` is sent where there are requests; undefined for none. */
export function hostile(random: Random, token: string | undefined): Hostile {
  const [kind, make] = random.pick(kinds);
  return { kind, bytes: Buffer.concat([preface, ...make(random, token)]) };
}

function frame(type: number, flags: number, stream: number, body: Uint8Array, length = body.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** Headers without compression (RFC 7541, 6.2.2 and 5.1). */
function packed(headers: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, "latin1");
    const length: number[] = [];
    if (bytes.length < 127) length.push(bytes.length);
    else {
      length.push(127);
      let rest = bytes.length - 127;
      for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
      length.push(rest);
    }
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

type Headers = readonly (readonly [string, string])[];
const head = (token: string | undefined, more: Headers = []): Headers => [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/snakepit.v1.GatewayService/ExecuteTool"],
  [":authority", "127.0.0.1"],
  ["content-type", "application/grpc+proto"],
  ["te", "trailers"],
  ...(token === undefined ? [] : [["authorization", `Bearer ${token}`] as const]),
  ...more,
];
const headers = (stream: number, fields: Headers, flags = END_HEADERS | END_STREAM): Buffer => frame(1, flags, stream, packed(fields));
const data = (stream: number, body: Uint8Array, flags = END_STREAM): Buffer => frame(0, flags, stream, body);
const noise = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: 1 + random.whole(most) }, () => random.whole(256)));
const many = (count: number, make: (at: number) => Buffer): Buffer[] => Array.from({ length: count }, (_, at) => make(at));
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

type Make = (random: Random, token: string | undefined) => readonly Uint8Array[];
const kinds: readonly [readonly [string, Make], ...(readonly [string, Make])[]] = [
  // Frames that break the rules.
  ["noise", (random) => [noise(random, 2_000)]],
  [
    "frames of any kind",
    (random) => many(1 + random.whole(20), () => frame(random.whole(12), random.whole(256), random.whole(8), noise(random, 60))),
  ],
  ["a frame that is too large", (random) => [frame(random.whole(10), 0, 1, noise(random, 100), 0xff_ffff)]],
  ["headers that cannot be unpacked", (random) => [frame(1, END_HEADERS | END_STREAM, 1, noise(random, 200))]],
  ["data of no stream", () => [data(0, Buffer.from("x"))]],
  ["data before headers", () => [data(1, Buffer.from("x"))]],
  ["a stream that only servers begin", (_random, token) => [headers(2, head(token))]],
  ["streams that go back", (_random, token) => [headers(5, head(token)), headers(3, head(token))]],
  ["a window that grows by nothing", () => [frame(8, 0, 0, word(0))]],
  ["a window that is too large", () => [frame(8, 0, 0, word(0x7fff_ffff)), frame(8, 0, 0, word(0x7fff_ffff))]],
  ["settings that are none", (random) => [frame(4, 0, 0, noise(random, 5))]],
  [
    "settings that may not be",
    () => [frame(4, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff])), frame(4, 0, 0, Buffer.from([0, 5, 0, 0, 0, 1]))],
  ],
  ["a ping that is too short", () => [frame(6, 0, 0, Buffer.from("ping"))]],
  ["the end of a stream that there is not", () => [frame(3, 0, 7, word(8))]],
  ["the rest of no headers", () => [frame(9, END_HEADERS, 1, packed([["x", "y"]]))]],
  ["a push", () => [frame(5, END_HEADERS, 1, Buffer.concat([word(2), packed(head(undefined))]))]],
  // Requests that are wrong.
  [
    "headers without a path",
    (_random, token) => [
      headers(
        1,
        head(token).filter(([name]) => name !== ":path"),
      ),
    ],
  ],
  ["two paths", (_random, token) => [headers(1, [[":path", "/"], ...head(token)])]],
  ["a name in capitals", (_random, token) => [headers(1, head(token, [["Upper", "x"]]))]],
  [
    "headers of a connection",
    (_random, token) => [
      headers(
        1,
        head(token, [
          ["connection", "keep-alive"],
          ["transfer-encoding", "chunked"],
        ]),
      ),
    ],
  ],
  ["a value with what it may not have", (_random, token) => [headers(1, head(token, [["x", "a\r\nb: c\0"]]))]],
  [
    "a length that is not so",
    (_random, token) => [headers(1, head(token, [["content-length", "7"]]), END_HEADERS), data(1, Buffer.from("x"))],
  ],
  ["gRPC without a message", (_random, token) => [headers(1, head(token))]],
  [
    "gRPC that is longer than it is",
    (random, token) => [
      headers(1, head(token), END_HEADERS),
      data(1, Buffer.concat([Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), noise(random, 100)])),
    ],
  ],
  [
    "gRPC without protobuf",
    (random, token) => {
      const body = noise(random, 100);
      return [headers(1, head(token), END_HEADERS), data(1, Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]))];
    },
  ],
  [
    "a deadline that is none",
    (_random, token) => [headers(1, head(token, [["grpc-timeout", "soon"]]), END_HEADERS), data(1, Buffer.alloc(5))],
  ],
  // Too much of what is right.
  [
    "streams that are taken back at once",
    (_random, token) => many(200, (at) => Buffer.concat([headers(2 * at + 1, head(token), END_HEADERS), frame(3, 0, 2 * at + 1, word(8))])),
  ],
  ["more streams than are allowed", (_random, token) => many(400, (at) => headers(2 * at + 1, head(token), END_HEADERS))],
  ["pings", () => many(2_000, () => frame(6, 0, 0, Buffer.alloc(8)))],
  ["settings", () => many(2_000, () => frame(4, 0, 0, Buffer.alloc(0)))],
  [
    "headers without end",
    (_random, token) => [headers(1, head(token), 0), ...many(60, () => frame(9, 0, 1, packed([["x".repeat(100), "y".repeat(4_000)]])))],
  ],
  ["empty headers without end", (_random, token) => [headers(1, head(token), 0), ...many(3_000, () => frame(9, 0, 1, Buffer.alloc(0)))]],
  ["empty data without end", (_random, token) => [headers(1, head(token), END_HEADERS), ...many(3_000, () => data(1, Buffer.alloc(0), 0))]],
  [
    "a header that unpacks to much",
    (_random, token) => {
      // A long value in the table, named again by one byte each.
      const first = Buffer.concat([
        packed(head(token)),
        Buffer.from([0x40, 1, 0x78]),
        Buffer.from([127, 0xf1, 0x1e]),
        Buffer.alloc(127 + 0x71 + (0x1e << 7), 0x79),
      ]);
      return [frame(1, END_HEADERS | END_STREAM, 1, Buffer.concat([first, Buffer.alloc(8_000, 0xbe)]))];
    },
  ],
];
