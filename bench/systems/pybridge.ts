/** pybridge: methods of a Python module, lines of JSON over stdin and stdout, answers checked against a TypeScript type. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { beside, ended, Items, load } from "./peer.ts";
import type { Open } from "./system.ts";

interface Subject {
  toPromise(): Promise<string>;
  subscribe(observer: { next(item: string): void; complete(): void }): void;
}
interface Package {
  readonly Controller: new (
    module: string,
    config: { python: string; cwd: string },
    logger: { log(text: string): void },
  ) => {
    readonly process: ChildProcess | undefined;
    send(method: string, args: readonly unknown[], type: object): Subject;
  };
}
interface Reflection {
  typeOf(type: undefined, packed: readonly unknown[]): object;
}

/** "A string", as its own compiler writes it into programs. */
const STRING = ["&"];

export const openPyBridge: Open = async (python) => {
  const { Controller } = load<Package>("pybridge");
  const string = load<Reflection>("@deepkit/type").typeOf(undefined, STRING);
  const controller = new Controller("text_work.py", { python, cwd: beside(".") }, { log() {} });
  await controller.send("echo", ["first"], string).toPromise();
  return {
    echo: (text) => controller.send("echo", [text], string).toPromise(),
    async *items(n) {
      const items = new Items();
      controller.send("items", [n], string).subscribe({ next: (item) => items.push(item), complete: () => items.end() });
      yield* items;
    },
    blob: async (data) =>
      Buffer.from(await controller.send("blob64", [Buffer.from(data).toString("base64")], string).toPromise(), "base64"),
    pid: controller.process?.pid,
    async close() {
      if (controller.process === undefined) return;
      const exited = once(controller.process, "close");
      await ended(controller.process);
      await exited;
    },
  };
};
