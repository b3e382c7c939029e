import { Console, Effect, Stream } from "effect";
import { Pool } from "snakepit/effect";

const program = Effect.gen(function* () {
  const pool = yield* Pool.Pool;
  yield* Console.log(yield* pool.execute("add", { a: 1, b: 2 }));
  yield* pool.executeStream("countdown", { start: 3 }).pipe(Stream.runForEach(Console.log));
}).pipe(Effect.catchTag("ToolFailed", (e) => Console.error(e.traceback)));

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Pool.layer({ tools: "./tools.py", workers: 2 }))));
