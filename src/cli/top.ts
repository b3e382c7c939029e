/** `snakepit top`: how a pit stands, live in the terminal. */
import { Effect, Option } from "effect";
import { CliError, Command, Flag } from "effect/cli";
import { gatewayFlags, gatewayOf, onlyHere } from "./gateway.ts";
import { printLine } from "./output.ts";
import { type Screen, takeScreen } from "./screen.ts";
import { paintFor } from "./text.ts";
import { HISTORY, type Standing, view } from "./top-view.ts";
import { localPit, NotWatched, remotePit, type Sample, type WatchedPit } from "./watched-pit.ts";

/** Seconds. Calls tell how long they take for as long as somebody asks every fifteen seconds. */
const SHORTEST = 0.1;
const LONGEST = 10;

const config = {
  ...gatewayFlags,
  run: Flag.String("run").pipe(Flag.withDescription("Run of the pit, where several are open"), Flag.optional),
  interval: Flag.Finite("interval").pipe(
    Flag.withDescription("Seconds between two looks, from 0.1 to 10 (default: 1)"),
    Flag.mapEffect((seconds) =>
      seconds >= SHORTEST && seconds <= LONGEST
        ? Effect.succeed(seconds * 1000)
        : Effect.fail(
            new CliError.InvalidValue({ option: "interval", value: String(seconds), expected: "a number from 0.1 to 10", kind: "flag" }),
          ),
    ),
    Flag.withDefault(1_000),
  ),
  once: Flag.Boolean("once").pipe(
    Flag.withDescription("Print it once as plain text, as when stdout is no terminal"),
    Flag.withDefault(false),
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print a line of JSON for each look"), Flag.withDefault(false)),
};

/** The command. Fails with NotChosen or NotWatched when there is no pit to look at. */
export const top = Command.make(
  "top",
  config,
  Effect.fnUntraced(function* ({ run, interval, once, json, ...flags }) {
    const gateway = yield* gatewayOf(flags);
    if (gateway !== undefined && Option.isSome(run)) return yield* onlyHere("run", run.value);
    const pit = gateway === undefined ? yield* localPit(Option.getOrUndefined(run)) : remotePit(gateway);
    const isLive = process.stdout.isTTY === true && !once;
    // Calls tell how long they take only once somebody has asked.
    const first = yield* pit.sample;
    if (json) return yield* printJson(pit, interval, once);
    if (isLive) return yield* live(pit, first, interval);
    yield* Effect.sleep(interval);
    const { columns = Number.POSITIVE_INFINITY } = process.stdout;
    const standing = new History(pit.name).next(yield* pit.sample);
    yield* printLine(view(standing, { columns, rows: Number.POSITIVE_INFINITY }, paintFor(process.stdout)).join("\n"));
  }, Effect.scoped),
).pipe(
  Command.withDescription("Shows live how a pit stands: its pools, workers, calls, sessions and logs"),
  Command.withExamples([
    { command: "snakepit top", description: "The pit that is open on this machine" },
    { command: "snakepit top --url https://pit.example.com", description: "The pit behind a gateway, with the token in SNAKEPIT_TOKEN" },
  ]),
);

const printJson = (pit: WatchedPit, interval: number, once: boolean) => {
  const line = Effect.sleep(interval).pipe(
    Effect.andThen(pit.sample),
    Effect.flatMap(({ at, ...sample }) => printLine(JSON.stringify({ at: new Date(at), ...sample }))),
  );
  return once ? line : line.pipe(Effect.forever, untilOver);
};

/** Draws until whoever sits there has enough, or the pit is closed. */
const live = Effect.fnUntraced(function* (pit: WatchedPit, first: Sample, interval: number) {
  const paint = paintFor(process.stdout);
  const history = new History(pit.name);
  let standing = history.next(first);
  let screen: Screen | undefined;
  const draw = (): void => screen?.draw(view(standing, screen.size, paint));
  const look = Effect.sleep(interval).pipe(
    Effect.andThen(pit.sample),
    Effect.map((sample) => history.next(sample)),
    // A gateway that cannot be reached may be there again later.
    Effect.catch((error) => (error.isOver ? Effect.fail(error) : Effect.succeed({ ...standing, lost: error.message }))),
    Effect.tap((next) =>
      Effect.sync(() => {
        standing = next;
        draw();
      }),
    ),
  );
  yield* Effect.gen(function* () {
    screen = yield* takeScreen(draw);
    draw();
    yield* Effect.raceFirst(Effect.forever(look), screen.quit);
  }).pipe(Effect.scoped, untilOver);
});

/** A pit that is closed while it is watched is no failure. */
const untilOver = <A, E, R>(watching: Effect.Effect<A, E | NotWatched, R>) =>
  watching.pipe(
    Effect.catchIf(
      (error): error is NotWatched => error instanceof NotWatched && error.isOver,
      () => Effect.sync(() => void process.stderr.write("The pit is closed.\n")),
    ),
  );

/** What is remembered from one look to the next. */
class History {
  readonly #name: string;
  readonly #pools = new Map<string, number[]>();

  constructor(name: string) {
    this.#name = name;
  }

  next(sample: Sample): Standing {
    for (const { name, latency } of sample.pools) {
      this.#pools.set(name, [...(this.#pools.get(name) ?? []), latency.callsPerSecond].slice(-HISTORY));
    }
    return { name: this.#name, sample, history: this.#pools, lost: "" };
  }
}
