// The same with Effect: a pool is a layer, a failure is typed, interruption cancels the Python call.
import { Console, Effect, Stream } from "effect";
import { Pool } from "snakepit/effect";

const program = Effect.gen(function* () {
  const pool = yield* Pool.Pool;
  yield* Console.log(yield* pool.execute("add", { a: 1, b: 2 }));
  yield* pool.executeStream("countdown", { start: 3 }).pipe(Stream.runForEach(Console.log));
  yield* pool.execute("add", { a: 1, c: 3 });
}).pipe(Effect.catchTag("InvalidArguments", (error) => Console.log("refused:", error.argument)));

const layer = Pool.layer({ tools: new URL("./tools.py", import.meta.url), workers: 2 });
await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(layer)));

// Prints:
// 3
// 3
// 2
// 1
// refused: c
