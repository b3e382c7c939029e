/**
 * A session as the workers of this program know it: which of them do, what they keep of its variables, and where its calls go. It begins with the first
 * call of the session and ends with its last handle, or with the session itself.
 */
import { create } from "@bufbuild/protobuf";
import { Effect, Exit, Scope } from "effect";
import type { Affinity } from "../api/sessions.ts";
import { SessionClosed, type StoreFailed } from "../errors/index.ts";
import { InitializeSessionRequestSchema } from "../gen/snakepit/v1/worker_pb.ts";
import type { CallSession } from "../pool/call-session.ts";
import type { CallTarget } from "../pool/faces.ts";
import type { Pool } from "../pool/pool.ts";
import type { SessionRoute } from "../pool/session-route.ts";
import type { Worker } from "../worker/worker.ts";
import { constants } from "./defaults.ts";
import { bytesOf, ownMetadata, type SessionRecord, type VariableRecord } from "./records.ts";
import type { SessionHost } from "./session-host.ts";
import type { Gone, StoreEvent, StoreService } from "./store.ts";
import { variableMessage } from "./variable-messages.ts";
import { WorkerCopy } from "./worker-copy.ts";

/** What a presence has to know of its surroundings. */
export interface PresenceOptions {
  readonly store: StoreService;
  readonly host: SessionHost;
  /** Its calls go to another worker from now on. */
  onMoved(from: string, to: string): void;
  /** The session is gone, or its last handle is. Called once. */
  onOver(presence: Presence): void;
}

/** A session in the workers of one program. */
export class Presence implements CallSession, CallTarget {
  readonly id: string;
  /** What the handle that was opened last asked for. */
  affinity: Affinity = "hint";
  readonly #session: SessionRecord;
  readonly #options: PresenceOptions;
  readonly #scope = Scope.makeUnsafe();
  /** What happened before the variables were read. */
  #early: StoreEvent[] | undefined = [];
  /** The variables as they are, so that a worker can be given them at once. */
  readonly #variables = new Map<string, VariableRecord>();
  readonly #copies = new Map<string, WorkerCopy>();
  readonly #routes = new Map<Pool, SessionRoute>();
  #over = false;

  private constructor(session: SessionRecord, options: PresenceOptions) {
    this.id = session.id;
    this.#session = session;
    this.#options = options;
  }

  /** Begins to follow the session. Fails when it is gone. */
  static open(session: SessionRecord, now: number, options: PresenceOptions): Effect.Effect<Presence, Gone | StoreFailed> {
    const presence = new Presence(session, options);
    const { store } = options;
    return store.listen(session, presence.#hear).pipe(
      Effect.andThen(store.load(session, "all", now)),
      Effect.map(({ variables }) => presence.#start(variables.values())),
      Scope.provide(presence.#scope),
      Effect.onError(() => Effect.sync(() => presence.close())),
    );
  }

  /** Whether the session is gone, or nobody here has it open. */
  get over(): boolean {
    return this.#over;
  }

  poolOf(tool: string): Pool {
    return this.#options.host.poolOf(tool);
  }

  routeIn(pool: Pool): SessionRoute {
    let route = this.#routes.get(pool);
    if (route === undefined) {
      // Nobody would close it.
      if (this.#over) throw new SessionClosed({ session: this.id });
      route = pool.route(this);
      this.#routes.set(pool, route);
    }
    return route;
  }

  /** What a worker keeps of its variables; undefined when the worker does not know the session. */
  copyOf(workerId: string): WorkerCopy | undefined {
    return this.#copies.get(workerId);
  }

  initialize(worker: Worker, movedFrom: string): void {
    // One that knew the session before it moved there still keeps what it was given then.
    const copy = this.#copies.get(worker.id) ?? new WorkerCopy(worker, this.id);
    this.#copies.set(worker.id, copy);
    const variables = this.#firstVariables();
    copy.add(variables);
    const request = create(InitializeSessionRequestSchema, {
      sessionId: this.id,
      metadata: ownMetadata(this.#session.metadata),
      variables: variables.map(variableMessage),
      hostTools: [...this.#options.host.tools.list(this.id)],
      movedFrom,
    });
    // A worker that cannot answer is lost, and the call that comes behind hears of it.
    worker.client.initializeSession(request).catch(() => {});
  }

  /** The workers are told which host tools there are now. */
  toolsChanged(): void {
    for (const { worker } of this.#copies.values()) {
      const request = create(InitializeSessionRequestSchema, {
        sessionId: this.id,
        hostTools: [...this.#options.host.tools.list(this.id)],
      });
      worker.client.initializeSession(request).catch(() => {});
    }
  }

  forget(workerId: string): void {
    this.#copies.delete(workerId);
  }

  moved(from: string, to: string): void {
    this.#options.onMoved(from, to);
  }

  /** Ends it: the workers are asked to forget the session. May be called twice. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.onOver(this);
    for (const route of this.#routes.values()) void route.close();
    this.#copies.clear();
    Effect.runFork(Scope.close(this.#scope, Exit.void));
  }

  #start(current: Iterable<VariableRecord>): this {
    for (const variable of current) this.#variables.set(variable.name, variable);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#apply(event);
    return this;
  }

  readonly #hear = (event: StoreEvent): void => {
    if (this.#over) return;
    if (event.kind === "ended") this.close();
    else if (this.#early !== undefined) this.#early.push(event);
    else if (this.#apply(event)) for (const copy of this.#copies.values()) copy.hear(event);
  };

  /** Takes note of a change. False when a later one is known already. */
  #apply(event: StoreEvent): boolean {
    if (event.kind === "ended") return false;
    const { variable } = event;
    const known = this.#variables.get(variable.name);
    if (known !== undefined && (known.serial > variable.serial || (known.serial === variable.serial && known.version > variable.version))) {
      return false;
    }
    if (event.kind === "set") this.#variables.set(variable.name, variable);
    else if (known?.serial === variable.serial) this.#variables.delete(variable.name);
    return true;
  }

  /** Those that a worker is given before it asks: small ones, as far as they fit in a short message. */
  #firstVariables(): VariableRecord[] {
    const chosen: VariableRecord[] = [];
    let left: number = constants.preloadBytes;
    for (const variable of this.#variables.values()) {
      const bytes = bytesOf(variable);
      if (bytes > constants.preloadVariableBytes) continue;
      left -= bytes;
      if (left < 0) break;
      chosen.push(variable);
    }
    return chosen;
  }
}
