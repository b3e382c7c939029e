/** Writing to stdout at the speed of whoever reads it. */
import { Effect, Schema } from "effect";

/** Whoever read stdout has left, as `head` does when it has enough. */
export class OutputClosed extends Schema.TaggedError<OutputClosed>()("OutputClosed", {}) {}

// Without a listener the error would end the program with a stack trace; the writer hears it as well.
process.stdout.on("error", () => {});

/** Writes a line to stdout and waits until it was taken. */
export const printLine = (text: string): Effect.Effect<void, OutputClosed> =>
  Effect.callback((resume) => {
    process.stdout.write(`${text}\n`, (error) => resume(error ? Effect.fail(new OutputClosed()) : Effect.void));
  });
