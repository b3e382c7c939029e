/** Writers, readers and watchers in TypeScript and Python at the same variables, whose workers are killed meanwhile: makes the history that is to be checked. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type OpenOptions, type Session, Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import type { History, Read, Watched, Write } from "./history.ts";
import { failure, temporaryFolder, toolFile, until } from "./pool.support.ts";
import { oneOf, randomOf, wholeBelow } from "./random.ts";

const NAMES = ["a", "b", "c"] as const;
/** Ops of a writer before it looks whether the watchers keep up. */
const CHUNK = 50;
/** A watcher that is further behind is waited for: its buffer of 1,024 changes is not to be overrun. */
const MOST_BEHIND = 300;
/** Of every kind of actor, in ops. Writers of a value of their own, so that it tells who wrote. */
const OPS = { writer: 1_700, reader: 1_500 };
const KILLS = 6;
const WATCHERS = 4;
const VALUES_OF_A_WRITER = 1_000_000;

/** What came of a run. */
export interface Run {
  readonly history: History;
  /** How many reads and writes were answered. */
  readonly operations: number;
  /** How many workers were killed. */
  readonly killed: number;
}

/** What Python puts down before and after each op of a writer. */
interface Put {
  readonly ask?: Readonly<Record<string, number>>;
  readonly expected?: number;
  readonly ack?: Readonly<Record<string, number | null>>;
  readonly replaced?: number;
  readonly conflict?: Readonly<Record<string, number>>;
  readonly at: number;
}

/** What a watcher is given. */
interface Change {
  readonly kind: string;
  readonly name: string;
  readonly value: number;
  readonly version: number;
  readonly coalesced: number;
}

/** One watch, from its first change to its end or the death of its worker. */
interface Segment {
  readonly watcher: string;
  readonly last: Map<string, number>;
  readonly changes: Watched["changes"][number][];
  complete: boolean;
}

/** Makes a history over a store. The same seed makes the same plans; how they meet is up to the machine. */
export async function runHistory(seed: number, store: OpenOptions["store"]): Promise<Run> {
  // Watchers stay, so they are not to be in the way of calls.
  const pools = { work: { tools: toolFile("session"), workers: 3 }, watch: { tools: toolFile("session_watch"), workers: 2 } };
  await using pit = await Snakepit.open({ pools, store, onLog: () => {} });
  return await new HistoryRun(pit, await pit.session("history"), seed).run();
}

class HistoryRun {
  readonly #pit: Snakepit;
  readonly #session: Session;
  readonly #seed: number;
  readonly #folder = temporaryFolder("history-");
  readonly #writes: Write[] = [];
  readonly #reads: Read[] = [];
  readonly #segments: Segment[] = [];
  /** The watches that have begun and not ended. */
  readonly #running = new Set<Segment>();
  #killed = 0;
  #asked = 0;
  /** By how much the clock of Python is behind that of this process: at least, at most. */
  #behind: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

  constructor(pit: Snakepit, session: Session, seed: number) {
    this.#pit = pit;
    this.#session = session;
    this.#seed = seed;
  }

  async run(): Promise<Run> {
    const { variables } = this.#session;
    for (const name of NAMES) await variables.register(name, { type: "integer", value: 0 });
    await this.#compareClocks();
    const watching = [this.#watch("here 1"), this.#watch("here 2"), this.#watchFrom("watch"), this.#watchFrom("watch_async")];
    await Promise.all([
      this.#write(1),
      this.#write(2),
      this.#writeFrom("write", 3),
      this.#writeFrom("write_async", 4),
      this.#read(),
      this.#readFrom(true),
      this.#readFrom(false),
      this.#kill(),
    ]);
    const entries = await variables.list();
    await this.#session.end();
    await Promise.all(watching);
    this.#readRecords();
    const history: History = {
      initial: Object.fromEntries(NAMES.map((name) => [name, 0])),
      final: Object.fromEntries(entries.map(({ name, value, version }) => [name, { value: Number(value), version }])),
      writes: this.#writes,
      reads: this.#reads,
      watched: this.#segments,
    };
    const written = this.#writes.filter(({ responded }) => responded !== undefined).length;
    return { history, operations: written + this.#reads.length, killed: this.#killed };
  }

  async #write(actor: number): Promise<void> {
    const { variables } = this.#session;
    const random = randomOf(this.#seed * 100 + actor);
    for (let n = 0; n < OPS.writer; n++) {
      if (n % CHUNK === 0) await this.#watchersKeepUp();
      if (random() < 0.5) await new Promise((turn) => setImmediate(turn));
      const variable = oneOf(random, NAMES);
      const value = actor * VALUES_OF_A_WRITER + n;
      const kind = oneOf(random, ["set", "set", "expect", "update", "batch"]);
      const replacedVersion = kind === "expect" ? (await variables.entry(variable)).version : undefined;
      const invoked = performance.now();
      this.#asked++;
      if (kind === "batch") {
        const [one, other] = NAMES.filter((name) => name !== variable);
        const { versions } = await variables.setMany({ [one ?? ""]: value, [other ?? ""]: value });
        const responded = performance.now();
        for (const [name, version] of Object.entries(versions)) this.#writes.push({ variable: name, value, invoked, responded, version });
      } else if (kind === "update") {
        let replacedValue: number | undefined;
        await variables.update<number>(variable, (old) => {
          replacedValue = old;
          return value;
        });
        this.#writes.push({ variable, value, invoked, responded: performance.now(), replacedValue });
      } else if (kind === "set") {
        const version = await variables.set(variable, value);
        this.#writes.push({ variable, value, invoked, responded: performance.now(), version });
      } else {
        const outcome = await variables.set(variable, value, { expectedVersion: replacedVersion }).catch((error: unknown) => error);
        const responded = performance.now();
        if (typeof outcome === "number") this.#writes.push({ variable, value, invoked, responded, version: outcome, replacedVersion });
        else this.#reads.push({ variable, reader: `conflict of ${value}`, version: actualOf(outcome), since: invoked, responded });
      }
    }
  }

  async #writeFrom(tool: string, actor: number): Promise<void> {
    for (let n = 0; n < OPS.writer; n += CHUNK) {
      await this.#watchersKeepUp();
      const first = actor * VALUES_OF_A_WRITER + n;
      const args = { folder: this.#folder, actor: tool, call: n, seed: this.#seed * 1_000 + n + actor, names: NAMES, first, count: CHUNK };
      await this.#orWorkerDied(this.#session.execute(tool, args));
      this.#asked += CHUNK;
    }
  }

  async #read(): Promise<void> {
    const random = randomOf(this.#seed * 100);
    for (let n = 0; n < OPS.reader; n++) {
      await new Promise((turn) => setImmediate(turn));
      const variable = oneOf(random, NAMES);
      const since = performance.now();
      const { value, version } = await this.#session.variables.entry<number>(variable);
      this.#reads.push({ variable, reader: "here", value, version, since, responded: performance.now() });
      this.#asked++;
    }
  }

  async #readFrom(cached: boolean): Promise<void> {
    const [least, most] = this.#behind;
    for (let n = 0; n < OPS.reader; n += CHUNK) {
      const sent = performance.now();
      const call = this.#session.execute<{ variable: string; value: number; began: number; at: number }[]>("read", {
        names: NAMES,
        count: CHUNK,
        bypass_cache: !cached,
      });
      for (const { variable, value, began, at } of (await this.#orWorkerDied(call)) ?? []) {
        // What a worker keeps may be as old as the last message to it, which is the call at the oldest.
        const since = cached ? sent : began + least;
        this.#reads.push({ variable, reader: cached ? "cached" : "uncached", value, since, responded: at + most });
      }
      this.#asked += CHUNK;
    }
  }

  async #watch(watcher: string): Promise<void> {
    await this.#follow(watcher, this.#session.variables.watch<number>(NAMES), () => performance.now());
  }

  /** Watches in a worker, and again in another when it has died, until the session ends. */
  async #watchFrom(tool: string): Promise<void> {
    for (let n = 1; ; n++) {
      const [, most] = this.#behind;
      const changes = this.#session.executeStream<Change & { readonly at: number }>(tool, { names: NAMES });
      const following = this.#follow(`${tool} ${n}`, changes, ({ at }) => at + most);
      if ((await this.#orWorkerDied(following)) === "ended") return;
    }
  }

  async #follow<Each extends Change>(watcher: string, changes: AsyncIterable<Each>, at: (change: Each) => number): Promise<"ended"> {
    const segment: Segment = { watcher, last: new Map(), changes: [], complete: false };
    this.#segments.push(segment);
    this.#running.add(segment);
    try {
      for await (const change of changes) {
        const { kind, name: variable, value, version, coalesced } = change;
        if (kind === "ended") segment.complete = true;
        else {
          segment.changes.push({ variable, value, version, coalesced, at: at(change) });
          segment.last.set(variable, version);
        }
      }
      return "ended";
    } finally {
      this.#running.delete(segment);
    }
  }

  /** Resolves when every watcher there is to be has begun, and none is far behind the first. */
  async #watchersKeepUp(): Promise<void> {
    const seen = ({ last }: Segment): number => NAMES.reduce((sum, name) => sum + (last.get(name) ?? Number.NEGATIVE_INFINITY), 0);
    await until(() => {
      const all = Array.from(this.#running, seen);
      return all.length === WATCHERS && Math.max(...all) - Math.min(...all) < MOST_BEHIND;
    });
  }

  /** Kills a worker every so often, while there is something left to be done. */
  async #kill(): Promise<void> {
    const random = randomOf(this.#seed);
    const all = 4 * OPS.writer + 3 * OPS.reader;
    for (let n = 1; n <= KILLS; n++) {
      await until(() => this.#asked >= (all * n) / (KILLS + 1));
      const workers = (await this.#pit.workers()).filter(({ pid }) => pid > 0);
      const chosen = workers[wholeBelow(random, workers.length)];
      if (chosen === undefined) continue;
      await killWorker(this.#pit, chosen.id);
      this.#killed++;
    }
  }

  async #orWorkerDied<Result>(doing: Promise<Result>): Promise<Result | undefined> {
    const outcome = await doing.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    if ("result" in outcome) return outcome.result;
    const { _tag } = await failure(Promise.reject(outcome.error));
    if (_tag !== "WorkerCrashed") throw outcome.error;
    return undefined;
  }

  /** A call of Python's clock lies between two looks at this one: the more calls, the closer. */
  async #compareClocks(): Promise<void> {
    let [least, most] = this.#behind;
    for (let n = 0; n < 200; n++) {
      const before = performance.now();
      const there = await this.#session.execute<number>("clock");
      const after = performance.now();
      least = Math.max(least, before - there);
      most = Math.min(most, after - there);
    }
    this.#behind = [least, most];
  }

  /** Takes in what the writers in Python have put down. */
  #readRecords(): void {
    const [least, most] = this.#behind;
    for (const file of readdirSync(this.#folder)) {
      // One that was killed before it did anything has an empty file.
      const lines = readFileSync(join(this.#folder, file), "utf8")
        .split("\n")
        .filter((line) => line !== "");
      let asked: Put | undefined;
      const take = (done?: Put): void => {
        for (const [variable, value] of Object.entries(asked?.ask ?? {})) {
          const write = { variable, value, invoked: (asked?.at ?? 0) + least, replacedVersion: asked?.expected };
          const version = done?.ack?.[variable] ?? undefined;
          if (done === undefined) this.#writes.push(write);
          else if (done.ack !== undefined)
            this.#writes.push({ ...write, responded: done.at + most, version, replacedValue: done.replaced });
          else {
            const reader = `conflict of ${value}`;
            this.#reads.push({ variable, reader, version: done.conflict?.[variable], since: write.invoked, responded: done.at + most });
          }
        }
        asked = undefined;
      };
      for (const line of lines) {
        const put: Put = JSON.parse(line);
        if (put.ask === undefined) take(put);
        else asked = put;
      }
      take();
    }
  }
}

/** The version that a refused change found. */
function actualOf(error: unknown): number {
  if (error instanceof Error && "actual" in error && typeof error.actual === "number") return error.actual;
  throw error;
}
