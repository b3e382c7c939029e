/** node-calls-python: the interpreter inside this process. Its synchronous calls, which are the quick ones, hold the event loop. */
import { beside, load } from "./peer.ts";
import type { Open } from "./system.ts";

interface Package {
  readonly interpreter: {
    importSync(file: string): object;
    callSync<Result>(module: object, name: string, argument: unknown): Result;
  };
}

export const openNodeCallsPython: Open = async () => {
  const { interpreter } = load<Package>("node-calls-python");
  const work = interpreter.importSync(beside("work.py"));
  return {
    echo: async (text) => interpreter.callSync<string>(work, "echo", text),
    items: "a generator comes back whole, as an array",
    blob: async (data) => new Uint8Array(interpreter.callSync<ArrayBuffer>(work, "blob", Buffer.from(data))),
    pid: undefined,
    close: async () => {},
  };
};
