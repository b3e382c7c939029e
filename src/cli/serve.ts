/** `snakepit serve`: opens a pit and its gateway, and serves until the process is told to end. */
import { Effect, Option, Schema } from "effect";
import { Argument, CliError, Command, Flag } from "effect/cli";
import { familyOnly } from "../errors/family.ts";
import type { InvalidOptions } from "../errors/index.ts";
import type { Auth } from "../gateway/access/options.ts";
import { createToken } from "../gateway/access/secrets.ts";
import { serve as serveGateway } from "../gateway/gateway.ts";
import type { ServeOptions } from "../gateway/options.ts";
import { hasCollector } from "../pit/open-telemetry.ts";
import { Snakepit } from "../pit/snakepit.ts";
import type { OpenError } from "../pool/errors.ts";
import { printLog, printLogJson } from "../pool/logs.ts";
import type { TlsFiles } from "../runtime/http-tls.ts";
import { printLine } from "./output.ts";
import { hideProgress, showProgress } from "./progress-line.ts";

/** What a token that is made for one run may: everything, as whoever has started the gateway. */
const RUN_SCOPES = ["*"];

/** The gateway has no address to listen on. */
export class NotServed extends Schema.TaggedError<NotServed>()("NotServed", { message: Schema.String }) {}

const fileFlag = (name: string, description: string) => Flag.String(name).pipe(Flag.withDescription(description), Flag.optional);

const config = {
  tools: Argument.String("tools").pipe(Argument.withDescription("File with tools, such as ./tools.py, or a module path")),
  workers: Flag.Int("workers").pipe(Flag.withDescription("Worker processes (default: one for each core, 4 at most)"), Flag.optional),
  python: Flag.String("python").pipe(Flag.withDescription("Python interpreter to use"), Flag.optional),
  port: Flag.Int("port").pipe(Flag.withDescription("Port to listen on; 0 for any that is free (default: 7100)"), Flag.withDefault(7100)),
  host: Flag.String("host").pipe(
    Flag.withDescription("Address to listen on (default: 127.0.0.1, this machine alone)"),
    Flag.withDefault("127.0.0.1"),
  ),
  tlsCert: fileFlag("tls-cert", "Certificate of the server, in PEM"),
  tlsKey: fileFlag("tls-key", "Its key, in PEM"),
  tlsClientCa: fileFlag("tls-client-ca", "Authorities of which clients must have a certificate, in PEM"),
  noAuth: Flag.Boolean("no-auth").pipe(Flag.withDescription("Let in everybody on this machine; on loopback only"), Flag.withDefault(false)),
  tokens: fileFlag("tokens", "File of tokens that count, as `snakepit token` keeps it"),
  cors: Flag.String("cors").pipe(
    Flag.withDescription("Origin of web pages that may ask, such as https://app.example.com, or *; may be repeated"),
    Flag.atLeast(0),
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false)),
};

type Settings = Command.Command.Config.Infer<typeof config>;

/** The command. Ends with the gateway and the pit closed when the process is asked to end. */
export const serve = Command.make(
  "serve",
  config,
  Effect.fnUntraced(function* (settings: Settings) {
    const { auth, token } = yield* authOf(settings);
    const tls = yield* tlsOf(settings);
    const options: ServeOptions = {
      port: settings.port,
      host: settings.host,
      auth,
      ...(tls !== undefined && { tls }),
      ...(settings.cors.length > 0 && { cors: settings.cors.includes("*") ? ("*" as const) : settings.cors }),
    };
    yield* Effect.acquireUseRelease(
      Effect.tryPromise({ try: () => openPit(settings), catch: familyOnly<OpenError> }),
      (pit) =>
        Effect.acquireUseRelease(
          Effect.tryPromise({ try: () => serveGateway(pit, options), catch: (error) => cannotListen(error, settings) }),
          ({ url }) =>
            Effect.gen(function* () {
              hideProgress();
              yield* printLine(announcement(url, token, settings.json));
              yield* untilTold;
            }),
          (gateway) => Effect.promise(() => gateway.close()),
        ),
      (pit) => Effect.promise(() => pit.close()),
    ).pipe(Effect.ensuring(Effect.sync(hideProgress)));
  }),
).pipe(
  Command.withDescription("Serves the tools to other programs, over Connect, gRPC-Web and gRPC"),
  Command.withExamples([
    { command: "snakepit serve ./tools.py --workers 4", description: "On this machine, with a token for this run" },
    {
      command: "snakepit serve ./tools.py --host 0.0.0.0 --tokens tokens.json --tls-cert cert.pem --tls-key key.pem",
      description: "For others",
    },
  ]),
);

/** Who is let in; without a word about it, whoever has a token that is made for this run. */
function authOf({ noAuth, tokens }: Settings): Effect.Effect<{ auth: Auth; token?: string }, CliError.InvalidValue> {
  const tokenFile = Option.getOrUndefined(tokens);
  if (noAuth && tokenFile !== undefined) return misused("tokens", tokenFile, "left out with --no-auth");
  if (noAuth) return Effect.succeed({ auth: "none" });
  if (tokenFile !== undefined) return Effect.succeed({ auth: { tokenFile } });
  const token = createToken();
  return Effect.succeed({ auth: { tokens: [{ token, name: "run", scopes: RUN_SCOPES }] }, token });
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: Settings): Effect.Effect<TlsFiles | undefined, CliError.InvalidValue> {
  const [certFile, keyFile, clientCaFile] = [tlsCert, tlsKey, tlsClientCa].map(Option.getOrUndefined);
  if (certFile !== undefined && keyFile !== undefined) return Effect.succeed({ certFile, keyFile, clientCaFile });
  if (certFile !== undefined) return misused("tls-cert", certFile, "given together with --tls-key");
  if (keyFile !== undefined) return misused("tls-key", keyFile, "given together with --tls-cert");
  if (clientCaFile !== undefined) return misused("tls-client-ca", clientCaFile, "given together with --tls-cert and --tls-key");
  return Effect.succeed(undefined);
}

const misused = (option: string, value: string, expected: string) =>
  Effect.fail(new CliError.InvalidValue({ option, value, expected, kind: "flag" }));

async function openPit({ tools, workers, python, json }: Settings): Promise<Snakepit> {
  let all = Option.getOrElse(workers, () => 1);
  let ready = 0;
  const show = () => showProgress({ fraction: Math.min(1, ready / all), message: "of the workers are ready" });
  show();
  const pit = await Snakepit.open({
    tools,
    workers: Option.getOrUndefined(workers),
    python: Option.getOrUndefined(python),
    metrics: true,
    openTelemetry: hasCollector(),
    onLog(event) {
      hideProgress();
      if (json) printLogJson(event);
      else printLog(event);
    },
    onEvent({ type }) {
      if (type !== "worker.ready" || ++ready > all) return;
      show();
      if (ready === all) hideProgress();
    },
  });
  all = pit.stats().workers;
  return pit;
}

/** What went wrong when the gateway was opened: a member of the family, or the system's word about the address. */
function cannotListen(error: unknown, { host, port }: Settings): InvalidOptions | NotServed {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return new NotServed({ message: `Cannot listen on ${host}, port ${port}: ${error.message}` });
  }
  return familyOnly<InvalidOptions>(error);
}

function announcement(url: string, token: string | undefined, json: boolean): string {
  if (json) return JSON.stringify({ url, ...(token !== undefined && { token }), pid: process.pid });
  return token === undefined ? url : `${url}\nToken for this run: ${token}`;
}

/** Resolves when the process is asked to end. The gateway drains then, and the pit closes after it; asked again, they do not wait for calls. */
const untilTold = Effect.callback<void>((resume) => {
  // They stay, so that whoever closes pits on signals sees until the end that this program decides itself how it ends.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resume(Effect.void));
});
