/** The flags that name a gateway instead of the pits of this machine, and the clients of that gateway. */
import { readFileSync } from "node:fs";
import { Effect, Option } from "effect";
import { CliError, Flag } from "effect/cli";
import { AdminClient } from "../client/admin.ts";
import { connect, type RemotePit } from "../client/client.ts";
import { familyOnly } from "../errors/family.ts";
import type { InvalidOptions, SnakepitError } from "../errors/index.ts";

/** For every command that looks after a pit. */
export const gatewayFlags = {
  url: Flag.String("url").pipe(
    Flag.withDescription("Gateway to ask, such as http://127.0.0.1:7100, instead of the pits of this machine"),
    Flag.mapEffect((text) =>
      /^https?:$/.test(URL.parse(text)?.protocol ?? "") ? Effect.succeed(text) : wrong("url", text, "an http: or https: URL"),
    ),
    Flag.optional,
  ),
  tokenFile: Flag.File("token-file").pipe(
    Flag.withDescription("File with the token for the gateway (default: the variable SNAKEPIT_TOKEN)"),
    Flag.optional,
  ),
};

/** What the flags say. */
export interface GatewayFlags {
  readonly url: Option.Option<string>;
  /** Where the token is. */
  readonly tokenFile: Option.Option<string>;
}

/** A gateway that may be asked. */
export interface Gateway {
  readonly url: string;
  readonly admin: AdminClient;
  readonly pit: RemotePit;
}

/**
 * The gateway that the flags name; undefined when they name none. Its clients close with the scope. Fails with InvalidValue for a token that cannot be read or
 * has no `--url` beside it, with InvalidOptions for one that cannot be sent.
 */
export const gatewayOf = Effect.fnUntraced(function* ({ url: named, tokenFile }: GatewayFlags) {
  if (Option.isNone(named)) return Option.isSome(tokenFile) ? yield* wrong("token-file", tokenFile.value, "beside --url") : undefined;
  const url = named.value;
  const token = Option.isSome(tokenFile) ? yield* tokenIn(tokenFile.value) : process.env["SNAKEPIT_TOKEN"] || undefined;
  return yield* Effect.acquireRelease(
    Effect.try({
      try: (): Gateway => ({ url, admin: new AdminClient({ url, token }), pit: connect({ url, token, retries: 0 }) }),
      catch: familyOnly<InvalidOptions>,
    }),
    ({ admin, pit }) =>
      Effect.promise(async () => {
        admin.close();
        await pit.close();
      }),
  );
});

/** Asks a gateway. Fails with a member of the family. */
export const asked = <A>(ask: () => Promise<A>): Effect.Effect<A, SnakepitError> =>
  Effect.tryPromise({ try: ask, catch: familyOnly<SnakepitError> });

/** Refuses a flag that is for the pits of this machine beside `--url`. */
export const onlyHere = (option: string, value: string): Effect.Effect<never, CliError.InvalidValue> =>
  wrong(option, value, "no --url beside it");

const wrong = (option: string, value: string, expected: string): Effect.Effect<never, CliError.InvalidValue> =>
  Effect.fail(new CliError.InvalidValue({ option, value, expected, kind: "flag" }));

function tokenIn(path: string): Effect.Effect<string, CliError.InvalidValue> {
  try {
    const token = readFileSync(path, "utf8").trim();
    return token === "" ? wrong("token-file", path, "a file that holds a token") : Effect.succeed(token);
  } catch {
    return wrong("token-file", path, "a file that can be read");
  }
}
