/** What the tests of who may ask share: a gateway as a program of its own, every RPC that it has, and tokens of every kind. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  create,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createToken, hashOf } from "../src/gateway/access/secrets.ts";
import { changeTokenFile, type TokenRecord } from "../src/gateway/access/token-file.ts";
import type { ServeOptions } from "../src/gateway.ts";
import { AdminService } from "../src/gen/snakepit/v1/admin_pb.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { temporaryFolder } from "./pool.support.ts";
import { runtimes } from "./registry.support.ts";

/** Every RPC of the gateway. One that is added is among them. */
export const everyRpc: readonly DescMethod[] = [GatewayService, AdminService].flatMap((service: DescService) => service.methods);

/** Its path. */
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

/** Tokens of every kind, as a file. */
export interface Tokens {
  readonly file: string;
  readonly secrets: Readonly<Record<TokenKind, string>>;
}
export type TokenKind = "admin" | "adder" | "expired" | "looker" | "nothing" | "other" | "reader" | "revoked" | "unknown";

/** What each token allows. */
const scopes: Readonly<Record<TokenKind, readonly string[]>> = {
  admin: ["*"],
  adder: ["tool:add", "tool:countdown", "session:own:write"],
  expired: ["*"],
  looker: ["admin:read"],
  nothing: [],
  other: ["tool:*", "session:own:write"],
  reader: ["session:own:read"],
  revoked: ["*"],
  unknown: ["*"],
};

/** Makes the tokens. The file has only hashes of them, and of "unknown" nothing. */
export async function makeTokens(): Promise<Tokens> {
  const file = join(temporaryFolder(), "tokens.json");
  const past = "2020-01-01T00:00:00.000Z";
  const kinds = Object.keys(scopes) as TokenKind[];
  // The kinds are the keys above.
  const secrets = Object.fromEntries(kinds.map((kind) => [kind, createToken()])) as Record<TokenKind, string>;
  const record = (kind: TokenKind): TokenRecord => ({
    id: kind,
    // The reader is the same principal as the adder, with less.
    name: kind === "reader" ? "adder" : kind,
    hash: hashOf(secrets[kind]),
    scopes: scopes[kind],
    createdAt: past,
    ...(kind === "expired" && { expiresAt: past }),
    ...(kind === "revoked" && { revokedAt: past }),
  });
  await changeTokenFile(file, () => kinds.filter((kind) => kind !== "unknown").map(record));
  return { file, secrets };
}

/** A gateway as a program of its own. */
export interface GatewayProgram {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Everything that it has written anywhere: stdout, stderr, the audit log. */
  logged(): string;
  /** Ends it, and resolves to its exit code. */
  stop(): Promise<number | null>;
}

const started: ChildProcess[] = [];

/** Ends what the tests have started. */
export function endGateways(): void {
  for (const child of started) child.kill("SIGKILL");
}

/** Starts a gateway on a runtime. Its audit log is written too. */
export async function startGateway(runtime: keyof typeof runtimes, options: ServeOptions): Promise<GatewayProgram> {
  const audit = join(temporaryFolder(), "audit.jsonl");
  const [command, ...args] = runtimes[runtime];
  const program = fileURLToPath(new URL("programs/gateway.ts", import.meta.url));
  const child = spawn(command, [...args, program, JSON.stringify({ audit, ...options })], { stdio: ["pipe", "pipe", "pipe"] });
  started.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const exited = once(child, "close");
  const line = await Promise.race([
    once(createInterface(child.stdout), "line").then(([text]) => String(text)),
    exited.then(() => undefined),
  ]);
  if (line === undefined) throw new Error(`the gateway did not start: ${output}`);
  const { url } = JSON.parse(line);
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    logged: () => output + (existsSync(audit) ? readFileSync(audit, "utf8") : ""),
    stop: async () => {
      child.kill("SIGTERM");
      const [code] = await exited;
      return code;
    },
  };
}

/** Fields with words of their own, in which "x" is a mistake. */
const words = ["affinity"];

/** A request for an RPC in which every text is "x". */
function requestOf(method: DescMethod): MessageInitShape<typeof method.input> {
  const message = create(method.input);
  for (const field of method.input.fields) {
    if (words.includes(field.localName)) continue;
    // Which fields there are is only known now.
    if (field.fieldKind === "scalar" && typeof Reflect.get(message, field.localName) === "string")
      Reflect.set(message, field.localName, "x");
  }
  return message;
}

/** What an RPC answers: the name of the code that it fails with, or its messages. */
export async function ask(transport: Transport, method: DescMethod, headers: HeadersInit): Promise<string | readonly object[]> {
  try {
    return await answers(transport, method, headers);
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? String(error);
  }
}

async function answers(transport: Transport, method: DescMethod, headers: HeadersInit): Promise<readonly object[]> {
  if (method.methodKind === "unary") {
    // What `methodKind` says, as below.
    const { message } = await transport.unary(method as DescMethodUnary, undefined, 10_000, headers, requestOf(method));
    return [message];
  }
  if (method.methodKind !== "server_streaming") throw new Error(`the tests do not know how to ask ${method.name}`);
  const leave = new AbortController();
  const input = [requestOf(method)];
  const { message } = await transport.stream(
    method as DescMethodStreaming,
    leave.signal,
    10_000,
    headers,
    (async function* () {
      yield* input;
    })(),
  );
  const seen: object[] = [];
  for await (const each of message) {
    seen.push(each);
    break;
  }
  leave.abort();
  return seen;
}
