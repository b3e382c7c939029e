/** What the systems of others have in common. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../peers/package.json", import.meta.url));

/** The path of a file beside this one, such as "work.py". */
export const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Loads a package of bench/peers. `Package` describes the parts of it that are used here; nothing checks that it is right but the run. */
export function load<Package>(name: string): Package {
  return require(name);
}

/** A Python program that listens on a Unix socket. */
export interface Server {
  readonly pid: number | undefined;
  readonly socket: string;
  close(): Promise<void>;
}

/** Starts `python SCRIPT SOCKET` and waits until it has printed that it is ready. */
export async function startServer(python: string, script: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "peer-"));
  const socket = join(folder, "s");
  const child = spawn(python, [beside(script), socket], { stdio: ["ignore", "pipe", "inherit"] });
  const ready = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => undefined)]);
  if (ready === undefined) throw new Error(`${script} ended before it was ready`);
  return {
    pid: child.pid,
    socket,
    async close() {
      await ended(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ends a process and waits until it is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Items that come by a callback, as an async iterable. */
export class Items implements AsyncIterable<string> {
  readonly #items: string[] = [];
  #over = false;
  #wake: () => void = () => {};

  push(item: string): void {
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (let at = 0; ; ) {
      for (let item = this.#items[at]; item !== undefined; item = this.#items[at]) {
        yield item;
        at++;
      }
      if (this.#over) return;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}

/** An answer to a numbered question: a value, or one more item of a stream. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly item?: string;
}

/** Numbers the questions that go to a Python loop (loop.py) and finds out whose each answer is. */
export class Questions {
  readonly #open = new Map<number, ((value: never) => void) | Items>();
  readonly #send: (question: { id: number; name: string; argument: unknown }) => void;
  #last = 0;

  constructor(send: (question: { id: number; name: string; argument: unknown }) => void) {
    this.#send = send;
  }

  /** Resolves with what the function of work.py gives. */
  ask<Result>(name: string, argument: unknown): Promise<Result> {
    return new Promise<Result>((resolve) => {
      this.#open.set(++this.#last, resolve);
      this.#send({ id: this.#last, name, argument });
    });
  }

  /** The items of a generator of work.py. */
  stream(name: string, argument: unknown): Items {
    const items = new Items();
    this.#open.set(++this.#last, items);
    this.#send({ id: this.#last, name, argument });
    return items;
  }

  /** Takes an answer in. */
  answer({ id, value, item }: Answer): void {
    const open = this.#open.get(id);
    if (open instanceof Items && item !== undefined) {
      open.push(item);
      return;
    }
    this.#open.delete(id);
    if (open instanceof Items) open.end();
    // Whoever asked said what type comes back.
    else open?.(value as never);
  }
}
