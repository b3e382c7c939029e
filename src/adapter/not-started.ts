/** What a start fails with when the interpreter cannot be run. */
import { WorkerStartFailed } from "../errors/index.ts";

/** What the system lacks for a moment: a later start may go well. */
const exhausted: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

/** The failure of a worker whose interpreter could not be run, for the system's reason. */
export const notStarted = (interpreter: string, worker: string, cause: unknown): WorkerStartFailed =>
  new WorkerStartFailed(
    {
      worker,
      reason: `${interpreter} cannot be run: ${cause instanceof Error ? cause.message : String(cause)}`,
      type: "",
      traceback: "",
      stderr: [],
    },
    { cause, retryable: cause instanceof Error && "code" in cause && exhausted.has(cause.code) },
  );
