/** What a pit tells of itself: one stream of events, told apart by `type`. The shapes are part of the public API. */
import type { SnakepitError } from "../errors/index.ts";

/** What every event has. */
interface Timed {
  /** When it happened, in milliseconds since 1970. */
  readonly time: number;
}

/** What every event of a worker has. */
interface OfWorker extends Timed {
  readonly pool: string;
  /** Its id. A worker that replaces another has a new one. */
  readonly worker: string;
}

/**
 * Why a worker was taken out of service: it had done enough (`recycle`), new code (`reload`), nothing to do (`scale`), or a tool that ignored its cancel past
 * the grace period.
 */
export type RecycleReason = "worn" | "reload" | "scale" | "cancel";

/** Something happened to a worker. */
export type WorkerEvent =
  /** Its process was started. */
  | (OfWorker & { readonly type: "worker.spawned"; readonly pid: number })
  /** It takes calls. `startMs` is how long it took from the beginning. */
  | (OfWorker & { readonly type: "worker.ready"; readonly pid: number; readonly startMs: number })
  /** It never became ready. */
  | (OfWorker & { readonly type: "worker.failed"; readonly error: SnakepitError })
  /** It has a call, after it had none. */
  | (OfWorker & { readonly type: "worker.busy" })
  /** It has no call any more. */
  | (OfWorker & { readonly type: "worker.idle" })
  /** It ended without being asked to, or could not be reached any more. */
  | (OfWorker & { readonly type: "worker.crashed"; readonly pid: number; readonly error: SnakepitError })
  /** It is ready in the place of another, which crashed, could not start, or is recycled now. */
  | (OfWorker & { readonly type: "worker.restarted"; readonly follows: string })
  /** It takes no more calls, and ends with the last that it has. */
  | (OfWorker & { readonly type: "worker.recycled"; readonly pid: number; readonly reason: RecycleReason })
  /** It has ended as it was asked to. */
  | (OfWorker & { readonly type: "worker.stopped"; readonly pid: number });

/** What every event of a call has. */
interface OfCall extends Timed {
  readonly pool: string;
  readonly tool: string;
  /** Session of the call; empty outside a session. */
  readonly session: string;
  /** Number of the call, which no other of this pit has. */
  readonly call: number;
}

/** How a call ended. */
export type CallOutcome = "succeeded" | "failed" | "cancelled" | "timedOut";

/** Something happened to a call. A call has either its whole story among the events or, when nobody listened at its beginning, nothing of it. */
export type CallEvent =
  /** No worker is free for it. `waiting` calls wait before it. */
  | (OfCall & { readonly type: "call.queued"; readonly waiting: number })
  /** It was sent to a worker. `attempt` counts from 1; `queuedMs` is how long it waited for this one. */
  | (OfCall & { readonly type: "call.started"; readonly worker: string; readonly attempt: number; readonly queuedMs: number })
  /** Its worker has died, and it will be sent again after so many milliseconds. */
  | (OfCall & { readonly type: "call.retried"; readonly error: SnakepitError; readonly delayMs: number })
  /** It is over. Exactly one of each call. */
  | (OfCall & {
      readonly type: "call.finished";
      readonly outcome: CallOutcome;
      /** What it failed with; undefined when it succeeded. */
      readonly error: SnakepitError | undefined;
      /** Id of the worker it was with last; empty when it was never sent. */
      readonly worker: string;
      /** How often it was sent. */
      readonly attempts: number;
      /** From its beginning to its end. */
      readonly durationMs: number;
      /** How long it waited for workers, all attempts together. */
      readonly queuedMs: number;
      /** How long the tool itself ran, in microseconds; 0 where unknown, as for streams and failures. */
      readonly ranUs: number;
    });

/** Something happened to a session. */
export type SessionEvent =
  | (Timed & {
      /**
       * "created" when it was made, "released" when its last handle here was closed, "ended" when it was ended from here, "expired" when it was found past
       * its time by this process.
       */
      readonly type: "session.created" | "session.released" | "session.ended" | "session.expired";
      readonly session: string;
    })
  /** Its worker has ended, and what that had stored for the session is gone. Its calls go to another one. */
  | (Timed & { readonly type: "session.moved"; readonly session: string; readonly from: string; readonly to: string });

/** Who changed a variable. */
export interface ChangedBy {
  readonly side: "typescript" | "python";
  readonly worker?: string;
  readonly tool?: string;
  readonly call?: number;
}

/** This program, or one of its tools, changed a variable of a session. Values are not told. */
export type VariableEvent =
  | (Timed & {
      /** Made, or given another value. */
      readonly type: "variable.set";
      readonly session: string;
      readonly name: string;
      /** 0 for one that was made. */
      readonly version: number;
      readonly source: ChangedBy;
    })
  | (Timed & { readonly type: "variable.deleted"; readonly session: string; readonly name: string; readonly version: number });

/** A value of a span's attribute. */
export type SpanAttribute = string | number | boolean;

/** A span that Python code has ended, `snakepit.span("…")`. */
export interface SpanEvent extends Timed {
  readonly type: "span.ended";
  readonly pool: string;
  readonly worker: string;
  /** Tool of the call that it belongs to. */
  readonly tool: string;
  /** Session of that call; empty outside a session. */
  readonly session: string;
  readonly name: string;
  /** 32 hexadecimal digits: the trace of the call. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span around it: in Python, or the one that the call was made under. */
  readonly parentId: string;
  /** Nanoseconds since 1970. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, SpanAttribute>>;
  /** What ended it, as Python prints it, such as "ValueError: no"; empty when it ended well. */
  readonly error: string;
}

/** What Python code has counted with `snakepit.count` since the last report of its worker. */
export interface CountersEvent extends OfWorker {
  readonly type: "counters";
  readonly counters: Readonly<Record<string, number>>;
}

/** How a pool stands, told at an interval: by default every 60 s. */
export interface StatisticsEvent extends Timed {
  readonly type: "statistics";
  readonly pool: string;
  readonly stats: PoolFigures;
  /** Resident memory of its Python processes together, in bytes. */
  readonly memoryBytes: number;
}

/** The counters of a pool, as `stats()` gives them. */
export interface PoolFigures {
  readonly calls: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly timedOut: number;
  readonly retried: number;
  readonly affinityHits: number;
  readonly affinityMisses: number;
  readonly live: number;
  readonly queued: number;
  readonly workers: number;
  readonly ready: number;
  readonly started: number;
  readonly crashes: number;
  readonly recycled: number;
}

/** Whoever reads was too slow: so many events before the next one were left out. Only iterators and streams have it. */
export interface DroppedEvent extends Timed {
  readonly type: "dropped";
  readonly count: number;
}

/** Something that happened in a pit. */
export type PitEvent = WorkerEvent | CallEvent | SessionEvent | VariableEvent | SpanEvent | CountersEvent | StatisticsEvent | DroppedEvent;
