/**
 * A lock between processes: a file that names its holder by pid and start time, so that the lock of a process that is gone is nobody's.
 *
 * Two processes that find the same dead holder at the same moment may both get the lock. What is done under it must stand that: it saves work twice
 * done, it does not guard data.
 */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { Effect, type Scope } from "effect";
import { startTime } from "../runtime/process-info.ts";

/** How often a waiting process looks, in milliseconds. The file system tells nobody of a holder that died. */
const pollMs = 50;

/** A holder that cannot be asked, because it is on another host that shares the folder, counts as gone after this long, in milliseconds. */
const foreignMs = 600_000;

interface Holder {
  readonly pid: number;
  readonly startTime: string;
  readonly host: string;
}

/** Holds the lock at `path` until the scope closes. `onWait` hears once who holds it when it has to be waited for. Fails with the system's error. */
export const hold = (path: string, onWait: (pid: number) => void): Effect.Effect<void, NodeJS.ErrnoException, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const me = JSON.stringify({
        pid: process.pid,
        startTime: yield* Effect.promise(() => startTime(process.pid)),
        host: hostname(),
      } satisfies Holder);
      for (let waited = false; ; ) {
        if (yield* io(() => create(path, me))) return me;
        const holder = parse(yield* Effect.promise(() => readFile(path, "utf8").catch(() => "")));
        if (!(yield* Effect.promise(() => isAlive(path, holder)))) {
          yield* io(() => rm(path, { force: true }));
          continue;
        }
        if (!waited && holder !== undefined) onWait(holder.pid);
        waited ||= holder !== undefined;
        yield* Effect.sleep(pollMs);
      }
    }),
    (me) =>
      Effect.promise(async () => {
        if ((await readFile(path, "utf8").catch(() => "")) === me) await rm(path, { force: true });
      }),
    { interruptible: true },
  ).pipe(Effect.asVoid);

const io = <A>(run: () => Promise<A>): Effect.Effect<A, NodeJS.ErrnoException> =>
  // Functions of node:fs reject with nothing else.
  Effect.tryPromise({ try: run, catch: (error) => error as NodeJS.ErrnoException });

async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || !("pid" in json) || typeof json.pid !== "number") return undefined;
    return { pid: json.pid, startTime: String(Reflect.get(json, "startTime")), host: String(Reflect.get(json, "host")) };
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder?.host === hostname()) return (await startTime(holder.pid)) === holder.startTime;
  // On another host, or about to write who it is.
  const file = await stat(path).catch(() => undefined);
  return file !== undefined && Date.now() - file.mtimeMs < foreignMs;
}
