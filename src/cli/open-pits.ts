/** The pits that are open on this machine, by the registry, and what they answer on their admin sockets. */
import { Effect, Schema, type Scope } from "effect";
import { AdminError, type AdminMethod } from "../registry/admin.ts";
import { askPit } from "../registry/admin-client.ts";
import { registryMessage } from "../registry/message.ts";
import { type OpenHost, openRegistry, type RegistryService } from "../registry/registry.ts";
import { complain } from "./text.ts";

/** A pit, and what it has answered. */
export interface Answered<A> {
  readonly host: OpenHost;
  /** Undefined when it did not answer. */
  readonly answer: A | undefined;
  /** Why it did not; empty when it did. */
  readonly reason: string;
}

/** There is no such pit, or there are several. */
export class NotChosen extends Schema.TaggedError<NotChosen>()("NotChosen", { message: Schema.String }) {}

/** The registry as it is: looking changes nothing. What is wrong with it is said on stderr. */
export const registry: Effect.Effect<RegistryService, never, Scope.Scope> = openRegistry({
  existing: true,
  onEvent(event) {
    if (event.type !== "swept") process.stderr.write(`${registryMessage(event)}\n`);
  },
});

/** The pits that are open: all of them, or the one of this run. Fails with NotChosen when there is none. */
export const hostsOf = Effect.fnUntraced(function* (run: string | undefined) {
  const hosts = (yield* (yield* registry).hosts).filter((host) => run === undefined || host.run === run);
  if (hosts.length > 0) return hosts;
  return yield* new NotChosen({ message: run === undefined ? "No pit is open." : `There is no pit with the run "${run}".` });
});

/** The only pit that is open, or the one of this run. Fails with NotChosen. */
export const onlyHost = Effect.fnUntraced(function* (run: string | undefined) {
  const hosts = yield* hostsOf(run);
  const [only] = hosts;
  if (only !== undefined && hosts.length === 1) return only;
  return yield* new NotChosen({ message: `Several pits are open. Say which: ${runsOf(hosts)}.` });
});

/** How to say which of several pits is meant. */
export const runsOf = (hosts: readonly OpenHost[]): string => hosts.map(({ run, pid }) => `--run ${run} (process ${pid})`).join(", ");

/** Asks every open pit the same, at once. Those that do not answer are named on stderr. */
export const askAll = Effect.fnUntraced(function* <A>(method: AdminMethod, shape: Schema.Codec<A, unknown>) {
  const hosts = yield* (yield* registry).hosts;
  const answers = yield* Effect.forEach(hosts, (host) => askOne(host, method, shape), { concurrency: "unbounded" });
  for (const { host, answer, reason } of answers) {
    if (answer === undefined) complain(`Process ${host.pid} has a pit open, run ${host.run}, that cannot be asked: ${reason}`);
  }
  return answers;
});

/** Asks one pit. What is no answer to that counts as "internal". */
export const askHost = <A>(
  host: OpenHost,
  method: AdminMethod,
  shape: Schema.Codec<A, unknown>,
  body: object = {},
): Effect.Effect<A, AdminError> =>
  Effect.tryPromise({ try: () => askPit(host.socketPath, method, body), catch: asAdminError }).pipe(
    Effect.flatMap((answer) => Schema.decodeUnknownEffect(shape)(answer).pipe(Effect.mapError(asAdminError))),
  );

const askOne = <A>(host: OpenHost, method: AdminMethod, shape: Schema.Codec<A, unknown>): Effect.Effect<Answered<A>> =>
  askHost(host, method, shape).pipe(
    Effect.map((answer) => ({ host, answer, reason: "" })),
    Effect.catch(({ message }) => Effect.succeed({ host, answer: undefined, reason: message })),
  );

/** What asking a pit failed with. */
export const asAdminError = (error: unknown): AdminError =>
  error instanceof AdminError ? error : new AdminError("internal", error instanceof Error ? error.message : String(error));
