/** `snakepit token`: makes, lists and revokes the tokens by which a gateway knows who asks. Only their hashes stand in the file. */
import { randomBytes } from "node:crypto";
import { Effect, Option, Schema } from "effect";
import { Argument, CliError, Command, Flag } from "effect/cli";
import { isScope, scopeForms } from "../gateway/access/scopes.ts";
import { createToken, hashOf } from "../gateway/access/secrets.ts";
import { changeTokenFile, isTokenName, readTokenFile, type TokenRecord, tokenNameForm } from "../gateway/access/token-file.ts";
import { printLine } from "./output.ts";
import { table } from "./table.ts";

/** The file of tokens cannot be read or written, or has no such token. */
export class TokensFailed extends Schema.TaggedError<TokensFailed>()("TokensFailed", { message: Schema.String }) {}

const DAY_MS = 86_400_000;
/** A hundred years. A date has an end. */
const MOST_DAYS = 36_500;
/** An id is taken once of 2^40, and no file has two the same. */
const ID_BYTES = 5;

const file = Flag.String("tokens").pipe(Flag.withDescription("File of tokens (default: tokens.json)"), Flag.withDefault("tokens.json"));
const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON"), Flag.withDefault(false));

const invalid = (option: string, value: string, expected: string, kind: "argument" | "flag" = "flag") =>
  Effect.fail(new CliError.InvalidValue({ option, value, expected, kind }));
const above0 = (flag: Flag.Flag<number>, option: string): Flag.Flag<number> =>
  flag.pipe(Flag.mapEffect((value) => (value > 0 ? Effect.succeed(value) : invalid(option, String(value), "a number above 0"))));

const create = Command.make(
  "create",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("Who it is for; sessions belong to this name"),
      Argument.mapEffect((text) => (isTokenName(text) ? Effect.succeed(text) : invalid("name", text, tokenNameForm, "argument"))),
    ),
    scopes: Flag.String("scope").pipe(
      Flag.withDescription("What it allows, such as tool:* or session:own:write; may be repeated"),
      Flag.mapEffect((text) => (isScope(text) ? Effect.succeed(text) : invalid("scope", text, `one of ${scopeForms}`))),
      Flag.atLeast(1),
    ),
    days: Flag.Finite("days").pipe(
      Flag.mapEffect((value) =>
        value > 0 && value <= MOST_DAYS ? Effect.succeed(value) : invalid("days", String(value), `a number above 0, at most ${MOST_DAYS}`),
      ),
      Flag.withDescription("Days until it expires (default: never)"),
      Flag.optional,
    ),
    requestsPerSecond: above0(Flag.Finite("requests-per-second"), "requests-per-second").pipe(
      Flag.withDescription("Its own limit instead of the gateway's"),
      Flag.optional,
    ),
    concurrent: above0(Flag.Int("concurrent"), "concurrent").pipe(
      Flag.withDescription("Its own limit of requests at the same time instead of the gateway's"),
      Flag.optional,
    ),
    file,
    json,
  },
  Effect.fnUntraced(function* ({ name, scopes, days, requestsPerSecond, concurrent, file, json }) {
    const token = createToken();
    const now = Date.now();
    const record: TokenRecord = {
      id: randomBytes(ID_BYTES).toString("hex"),
      name,
      hash: hashOf(token),
      scopes,
      createdAt: new Date(now).toISOString(),
      ...Option.match(days, { onNone: () => ({}), onSome: (days) => ({ expiresAt: new Date(now + days * DAY_MS).toISOString() }) }),
      ...Option.match(requestsPerSecond, { onNone: () => ({}), onSome: (requestsPerSecond) => ({ requestsPerSecond }) }),
      ...Option.match(concurrent, { onNone: () => ({}), onSome: (concurrent) => ({ concurrent }) }),
    };
    yield* change(file, (records) => [...records, record]);
    if (json) return yield* printLine(JSON.stringify({ token, ...shown(record, now) }, undefined, 2));
    yield* printLine(token);
    process.stderr.write(`Token ${record.id} for "${name}" stands in ${file} as a hash. It is not shown again.\n`);
  }),
).pipe(Command.withDescription("Makes a token, prints it, and writes its hash into the file"));

const list = Command.make(
  "list",
  { file, json },
  Effect.fnUntraced(function* ({ file, json }) {
    const now = Date.now();
    const rows = (yield* read(file)).map((record) => shown(record, now));
    if (json) return yield* printLine(JSON.stringify(rows, undefined, 2));
    const lines = rows.map(({ id, name, state, scopes, createdAt, expiresAt = "" }) => [
      id,
      name,
      state,
      scopes.join(" "),
      createdAt,
      expiresAt,
    ]);
    yield* printLine(lines.length === 0 ? "There are no tokens." : table(["id", "name", "state", "scopes", "created", "expires"], lines));
  }),
).pipe(Command.withDescription("Lists the tokens of the file"));

const revoke = Command.make(
  "revoke",
  { id: Argument.String("id").pipe(Argument.withDescription("Id of the token, as list has it")), file },
  Effect.fnUntraced(function* ({ id, file }) {
    const revokedAt = new Date().toISOString();
    yield* change(file, (records) => {
      const found = records.find((record) => record.id === id);
      if (found === undefined) throw new TokensFailed({ message: `There is no token "${id}" in ${file}.` });
      return records.map((record) => (record === found ? { revokedAt, ...found } : record));
    });
    yield* printLine(`Token ${id} is revoked. A gateway that reads the file refuses it within a second.`);
  }),
).pipe(Command.withDescription("Revokes a token"));

/** The command. Its parts fail with TokensFailed. */
export const token = Command.make("token").pipe(
  Command.withDescription("Makes, lists and revokes the tokens of a gateway"),
  Command.withSubcommands([create, list, revoke]),
  Command.withExamples([
    { command: "snakepit token create ci --scope 'tool:*' --days 90", description: "A token that may call every tool" },
    { command: "snakepit token revoke 9f86d08188", description: "It counts no more" },
  ]),
);

/** A token without its hash, and whether it counts. */
function shown({ hash: _, ...record }: TokenRecord, now: number) {
  const isOver = record.expiresAt !== undefined && Date.parse(record.expiresAt) <= now;
  return { ...record, state: record.revokedAt !== undefined ? "revoked" : isOver ? "expired" : "valid" };
}

const read = (file: string): Effect.Effect<readonly TokenRecord[], TokensFailed> =>
  Effect.try({ try: () => readTokenFile(file), catch: (error) => failure(file, error) });

const change = (file: string, next: (records: readonly TokenRecord[]) => readonly TokenRecord[]): Effect.Effect<void, TokensFailed> =>
  Effect.tryPromise({ try: () => changeTokenFile(file, next), catch: (error) => failure(file, error) });

const failure = (file: string, error: unknown): TokensFailed =>
  error instanceof TokensFailed
    ? error
    : new TokensFailed({ message: `${file}: ${error instanceof Error ? error.message : String(error)}` });
