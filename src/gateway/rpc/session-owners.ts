/** Whose sessions are whose, and how many each principal has. */
import type { SessionInfo } from "../../api/sessions.ts";
import { QuotaExceeded } from "../../errors/index.ts";
import type { SessionEvent } from "../../session/manager.ts";
import { OWNER } from "../../session/records.ts";

/** Sessions of one principal that are there at the same time. */
const MOST_SESSIONS = 1_000;
/** Who has used up its quota is not counted anew more often than this, in milliseconds: counting takes a look at every session there is. */
const RECOUNT_MS = 1_000;

interface Count {
  sessions: number;
  /** Of a clock that only goes forward. */
  countedAt: number;
}

/**
 * Keeps each principal to its quota of sessions, so that none can use up the places of all. Sessions are counted when somebody makes its first one here, and
 * then as they come and go. What other programs that share the store do is not seen, so whoever has too many is counted anew.
 */
export class SessionOwners {
  readonly #list: () => Promise<readonly SessionInfo[]>;
  readonly #most: number;
  /** Of those that have made a session here and have one. */
  readonly #counts = new Map<string, Count>();
  /** Those that are being counted: a count that is asked for twice at once must not undo what was counted meanwhile. */
  readonly #counting = new Map<string, Promise<void>>();

  /** @param list - Gives every session there is. */
  constructor(list: () => Promise<readonly SessionInfo[]>, most: number | undefined) {
    this.#list = list;
    this.#most = most ?? MOST_SESSIONS;
  }

  /** To be awaited before {@link take}. */
  async count(owner: string): Promise<void> {
    const known = this.#counts.get(owner);
    if (known !== undefined && (known.sessions < this.#most || performance.now() - known.countedAt < RECOUNT_MS)) return;
    const counting = this.#counting.get(owner) ?? this.#countAnew(owner).finally(() => this.#counting.delete(owner));
    this.#counting.set(owner, counting);
    await counting;
  }

  async #countAnew(owner: string): Promise<void> {
    const all = await this.#list();
    const sessions = all.filter(({ metadata }) => metadata[OWNER] === owner).length;
    this.#counts.set(owner, { sessions, countedAt: performance.now() });
  }

  /** Counts one that is being made. Throws QuotaExceeded. */
  take(owner: string): void {
    const count = this.#counts.get(owner) ?? { sessions: 0, countedAt: performance.now() };
    if (count.sessions >= this.#most) throw new QuotaExceeded({ quota: "limits.sessions", limit: this.#most });
    count.sessions++;
    this.#counts.set(owner, count);
  }

  /** Hears what happens to sessions. */
  note({ kind, session }: SessionEvent): void {
    const owner = session.metadata[OWNER];
    if ((kind !== "ended" && kind !== "expired") || owner === undefined) return;
    const count = this.#counts.get(owner);
    if (count !== undefined && --count.sessions <= 0) this.#counts.delete(owner);
  }
}
