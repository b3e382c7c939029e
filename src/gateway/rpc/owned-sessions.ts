/** The sessions that are used through a gateway: whose they are, and who may use them. */
import { randomUUID } from "node:crypto";
import type { ContextValues } from "@connectrpc/connect";
import { Effect } from "effect";
import type { SessionInfo, SessionOptions } from "../../api/sessions.ts";
import type { Metadata } from "../../api/variables.ts";
import { InvalidOptions, isSnakepitError, QuotaExceeded, SessionNotFound } from "../../errors/index.ts";
import type { Pit } from "../../pit/pit.ts";
import type { SessionHandle } from "../../session/handle.ts";
import { OWNER } from "../../session/records.ts";
import { authorize } from "../access/authorize.ts";
import { type Principal, principalKey } from "../access/principal.ts";
import { SessionOwners } from "./session-owners.ts";

/** Metadata of one session, names and texts together, in characters. */
const MOST_METADATA = 65_536;

/** A session that was opened. */
export interface OpenedSession {
  readonly handle: SessionHandle;
  /** Whether it was made. */
  readonly created: boolean;
}

/**
 * Sessions by id, each with a handle that stays open until the session is over: what its workers keep of it is there for the next call. A session
 * belongs to the principal that has made it. For others that may not use sessions of others there is no such session; those that the program itself has made
 * are nobody's.
 */
export class OwnedSessions {
  readonly #pit: Pit;
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;
  readonly #handles = new Map<string, SessionHandle>();
  readonly #owners: SessionOwners;
  readonly #forget: () => void;

  /** @param most - Sessions of one principal. */
  constructor(pit: Pit, most: number | undefined) {
    this.#pit = pit;
    this.#run = Effect.runPromiseWith(pit.context);
    this.#owners = new SessionOwners(() => this.#run(pit.sessions.list), most);
    this.#forget = pit.sessions.onEvent((event) => {
      this.#owners.note(event);
      if (event.kind === "ended" || event.kind === "expired") this.#drop(event.session.id);
    });
  }

  /**
   * Opens the session of an id, or makes one, which is the caller's then.
   *
   * @throws SessionNotFound when it is somebody else's, PermissionDenied, InvalidOptions, QuotaExceeded.
   */
  async open(values: ContextValues, id: string, options: SessionOptions): Promise<OpenedSession> {
    const name = id === "" ? `session_${randomUUID()}` : id;
    const principal = authorize(values, { kind: "session", session: name, write: true });
    const { metadata = {} } = options;
    if (Object.hasOwn(metadata, OWNER))
      throw new InvalidOptions({ option: `metadata["${OWNER}"]`, expected: "left out: it is the gateway's own" });
    await this.#owners.count(principal.id);
    let created = false;
    const opened = await this.#run(
      this.#pit.sessions.open(name, options, (there) => {
        created = there === undefined;
        if (there !== undefined) checkOwner(principal, name, there.metadata, true);
        checkMetadata({ ...there?.metadata, ...metadata });
        if (there !== undefined) return metadata;
        this.#owners.take(principal.id);
        return { ...metadata, [OWNER]: principal.id };
      }),
    );
    return { handle: await this.#keep(opened), created };
  }

  /**
   * Runs an operation on a session that is there.
   *
   * @param write - Whether it changes something, or runs a tool.
   * @throws SessionNotFound, PermissionDenied, and what the operation throws.
   */
  async use<A>(values: ContextValues, id: string, write: boolean, operation: (handle: SessionHandle) => A | Promise<A>): Promise<A> {
    const principal = authorize(values, { kind: "session", session: id, write });
    const known = this.#handles.get(id);
    if (known !== undefined) {
      checkOwner(principal, id, known.metadata, write);
      try {
        return await operation(known);
      } catch (error) {
        // Another program that shares the store may have ended the session, and given its id to another one.
        if (!isSnakepitError(error) || error._tag !== "SessionNotFound") throw error;
        this.#drop(id);
      }
    }
    const opened = this.#pit.sessions.open(id, {}, (there) => {
      if (there === undefined) throw new SessionNotFound({ session: id });
      checkOwner(principal, id, there.metadata, write);
      return {};
    });
    return operation(await this.#keep(await this.#run(opened)));
  }

  /** The sessions that the caller may see. Throws PermissionDenied when it may see none at all. */
  async list(values: ContextValues): Promise<readonly SessionInfo[]> {
    const principal = values.get(principalKey);
    const seesAll = principal.may({ kind: "admin", write: false });
    if (!seesAll) authorize(values, { kind: "session", session: "", write: false });
    const all = await this.#run(this.#pit.sessions.list);
    return all.filter(({ id, metadata }) => seesAll || isAllowed(principal, id, metadata, false));
  }

  /** Lets go of every session. They live on in their store. */
  async close(): Promise<void> {
    this.#forget();
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    await Promise.all(handles.map((handle) => this.#run(Effect.ignore(handle.close))));
  }

  /** The handle that stays open: the first, when a session was opened twice at once. */
  async #keep(handle: SessionHandle): Promise<SessionHandle> {
    const { id } = handle;
    const other = this.#handles.get(id);
    if (other === undefined || other.key.serial !== handle.key.serial) {
      this.#drop(id);
      this.#handles.set(id, handle);
      return handle;
    }
    await this.#run(Effect.ignore(handle.close));
    return other;
  }

  #drop(id: string): void {
    const handle = this.#handles.get(id);
    this.#handles.delete(id);
    if (handle !== undefined) void this.#run(Effect.ignore(handle.close));
  }
}

function isAllowed(principal: Principal, session: string, metadata: Metadata, write: boolean): boolean {
  return principal.may({ kind: "session", session, write, foreign: metadata[OWNER] !== principal.id });
}

/** What is merged again and again would grow again and again. */
function checkMetadata(metadata: Metadata): void {
  const length = Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (length > MOST_METADATA) throw new QuotaExceeded({ quota: "metadata", limit: MOST_METADATA });
}

function checkOwner(principal: Principal, session: string, metadata: Metadata, write: boolean): void {
  // Whether somebody else has such a session is nobody's business.
  if (!isAllowed(principal, session, metadata, write)) throw new SessionNotFound({ session });
}
