/** The pits that are open on this machine, by the registry, and what they answer on their admin sockets. */
import { Effect, Schema, type Scope } from "effect";
import type { AdminMethod } from "../registry/admin.ts";
import { askPit } from "../registry/admin-client.ts";
import { registryMessage } from "../registry/message.ts";
import { type OpenHost, openRegistry, type RegistryService } from "../registry/registry.ts";

/** A pit, and what it has answered. */
export interface Answered<A> {
  readonly host: OpenHost;
  /** Undefined when it did not answer. */
  readonly answer: A | undefined;
  /** Why it did not; empty when it did. */
  readonly reason: string;
}

/** The registry as it is: looking changes nothing. What is wrong with it is said on stderr. */
export const registry: Effect.Effect<RegistryService, never, Scope.Scope> = openRegistry({
  existing: true,
  onEvent(event) {
    if (event.type !== "swept") process.stderr.write(`${registryMessage(event)}\n`);
  },
});

/** Asks every open pit the same, at once. Those that do not answer are named on stderr. */
export const askAll = Effect.fnUntraced(function* <A>(method: AdminMethod, shape: Schema.Codec<A, unknown>) {
  const hosts = yield* (yield* registry).hosts;
  const answers = yield* Effect.forEach(hosts, (host) => askOne(host, method, shape), { concurrency: "unbounded" });
  for (const { host, answer, reason } of answers) {
    if (answer === undefined)
      process.stderr.write(`Process ${host.pid} has a pit open, run ${host.run}, that cannot be asked: ${reason}\n`);
  }
  return answers;
});

const askOne = <A>(host: OpenHost, method: AdminMethod, shape: Schema.Codec<A, unknown>): Effect.Effect<Answered<A>> =>
  Effect.tryPromise({ try: () => askPit(host.socketPath, method), catch: messageOf }).pipe(
    Effect.flatMap((answer) => Schema.decodeUnknownEffect(shape)(answer).pipe(Effect.mapError(messageOf))),
    Effect.map((answer) => ({ host, answer, reason: "" })),
    Effect.catch((reason) => Effect.succeed({ host, answer: undefined, reason })),
  );

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
