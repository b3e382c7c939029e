/** A watch that outlives its connection. */
import { BATCH_SIZE } from "../api/session-options.ts";
import type { VariableChange } from "../api/variables.ts";
import { isSnakepitError, type SnakepitError } from "../errors/index.ts";
import { ValueForm } from "../gen/snakepit/v1/gateway_pb.ts";
import { lost } from "./failures.ts";
import { changeOf, sessionEnded, variableChange } from "./messages.ts";
import { waitMs } from "./retry.ts";
import { Running } from "./running.ts";
import { methods, type VariableStateMessage } from "./schema.ts";
import type { SessionLink } from "./session-link.ts";
import { orAborted, sleep } from "./waiting.ts";

/** The changes of a session's variables. Ends quietly when `left`, the handle or the client ends it. */
export async function* watched(
  link: SessionLink,
  names: readonly string[] | undefined,
  seenBefore: Readonly<Record<string, number>>,
  left: AbortSignal,
): AsyncGenerator<VariableChange> {
  link.check();
  const { connection } = link;
  const running = new Running({ tool: "", limit: "stream", ends: [connection.closed, link.closed, left] });
  try {
    const watch = new Watch(link, names, seenBefore, running.signal);
    for (;;) {
      try {
        yield* watch.connected();
        if (watch.ended) return;
        // A gateway that closes ends its streams without a fault.
        await watch.disconnected(lost("the gateway has ended the watch", undefined));
      } catch (error) {
        if (running.signal.aborted) return;
        if (watch.stood && isGone(error)) {
          yield sessionEnded(new Date());
          return;
        }
        await watch.disconnected(error);
      }
    }
  } catch (error) {
    if (!running.signal.aborted) throw error;
  } finally {
    running.leave();
  }
}

/** What a watch has seen, over all of its connections. */
class Watch {
  /** Whether it has ever stood: from then on it belongs to a session that was there. */
  stood = false;
  /** Whether the session has ended. */
  ended = false;
  readonly #link: SessionLink;
  readonly #names: readonly string[];
  readonly #signal: AbortSignal;
  /** The last version of each variable, by id. */
  readonly #seen: Map<string, number>;
  /** Variables that the program knows, by id, as it was told of them last. */
  readonly #known = new Map<string, VariableStateMessage>();
  /** Variables that were found gone, whose end may yet be told by the gateway too. */
  #gone = new Set<string>();
  /** Attempts since it stood last, and since when, as `performance.now()` tells time. */
  #attempts = 0;
  #lostAt = 0;

  constructor(link: SessionLink, names: readonly string[] | undefined, seen: Readonly<Record<string, number>>, signal: AbortSignal) {
    this.#link = link;
    this.#names = names ?? [];
    this.#seen = new Map(Object.entries(seen));
    this.#signal = signal;
  }

  /** The changes that one connection brings. */
  async *connected(): AsyncGenerator<VariableChange> {
    const message = { sessionId: this.#link.id, names: [...this.#names], seen: Object.fromEntries(this.#seen), form: ValueForm.MSGPACK };
    const messages = this.#link.connection.stream(methods.watchVariables, { message, signal: this.#signal });
    let stands = false;
    try {
      for (let next = await orAborted(messages.next(), this.#signal); !next.done; next = await orAborted(messages.next(), this.#signal)) {
        if (!stands) {
          stands = true;
          yield* this.#missed();
          this.stood = true;
          this.#attempts = 0;
        }
        const change = variableChange(next.value);
        if (change === undefined || this.#gone.has(change.id)) continue;
        this.#note(change, next.value.variable);
        yield change;
        if (this.ended) return;
      }
    } finally {
      // Not waited for: it ends with what it waits for, and the signal ends that.
      void messages.return(undefined).catch(() => {});
    }
  }

  /** Resolves when it is time to connect again; throws what went wrong when it is not to be tried. */
  async disconnected(error: unknown): Promise<void> {
    if (!isSnakepitError(error) || !mayPass(error)) throw error;
    const { retries, retryBackoffMs, reconnectMs } = this.#link.connection.settings;
    const now = performance.now();
    if (this.#attempts++ === 0) this.#lostAt = now;
    // One that never stood fails as soon as a call would.
    if (this.stood ? now - this.#lostAt >= reconnectMs : this.#attempts > retries) throw error;
    const delayMs = waitMs(error, this.#attempts, retryBackoffMs);
    if (delayMs === undefined) throw error;
    await sleep(delayMs, this.#signal);
  }

  /**
   * Deletions while nobody listened. The gateway goes on from the versions that were seen, which tell of a change but not of an end, so it is asked for what
   * the program knows.
   */
  async *#missed(): AsyncGenerator<VariableChange> {
    this.#gone = new Set();
    const ids = [...this.#known.keys()];
    for (let at = 0; at < ids.length; at += BATCH_SIZE) {
      const names = ids.slice(at, at + BATCH_SIZE);
      const { missing } = await this.#link.read(methods.getVariables, { names, form: ValueForm.MSGPACK });
      for (const id of missing) {
        const change = changeOf("deleted", this.#known.get(id), new Date(), 0);
        this.#gone.add(id);
        this.#note(change, undefined);
        yield change;
      }
    }
  }

  #note({ kind, id, version }: VariableChange, state: VariableStateMessage | undefined): void {
    if (kind === "ended") {
      this.ended = true;
    } else if (kind === "deleted" || state === undefined) {
      this.#seen.delete(id);
      this.#known.delete(id);
    } else {
      this.#seen.set(id, version);
      this.#known.set(id, state);
    }
  }
}

/** Whether the session is not there any more. */
const isGone = (error: unknown): boolean => isSnakepitError(error) && (error._tag === "SessionNotFound" || error._tag === "SessionExpired");

/** Whether another attempt may fare better. */
const mayPass = (error: SnakepitError): boolean => error.retryable || error._tag === "ConnectionLost";
