import { Console, Effect, Stream } from "effect";
import { Pool, Session } from "snakepit/effect";

const program = Effect.gen(function* () {
  const pool = yield* Pool.Pool;
  yield* Console.log(yield* pool.execute("add", { a: 1, b: 2 }));
  yield* pool.executeStream("countdown", { start: 3 }).pipe(Stream.runForEach(Console.log));
  const session = yield* Session.make("user-42"); // ends with its Scope
  yield* session.variables.register("temperature", { type: "float", value: 0.7 });
  yield* session.variables.set("temperature", 0.9);
  yield* session.variables.watch(["temperature"]).pipe(Stream.take(1), Stream.runDrain);
}).pipe(Effect.catchTag("ToolFailed", (e) => Console.error(e.traceback)));

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Pool.layer({ tools: "./tools.py", workers: 2 }))));
