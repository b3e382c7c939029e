/** Which errors of the family opening a pit and making a call fail with, for programs that handle all of them. */
import type * as errors from "../errors/index.ts";

/** What `open` fails with. */
export type OpenError =
  | errors.InvalidOptions
  | errors.PythonNotFound
  | errors.EnvironmentFailed
  | errors.WorkerStartFailed
  | errors.PoolClosed;

/** What a call fails with. */
export type CallError =
  | errors.InvalidOptions
  | errors.ToolNotFound
  | errors.StreamingMismatch
  | errors.StreamingNotSupported
  | errors.InvalidArguments
  | errors.UnsupportedValue
  | errors.PayloadTooLarge
  | errors.ToolFailed
  | errors.HostToolFailed
  | errors.InputFailed
  | errors.CallTimeout
  | errors.Cancelled
  | errors.QueueFull
  | errors.QueueTimeout
  | errors.PoolClosed
  | errors.CircuitOpen
  | errors.WorkerStartFailed
  | errors.WorkerCrashed
  | errors.ConnectionLost
  | errors.AffinityUnavailable
  | errors.ObjectLost
  | errors.CallDepthExceeded
  | errors.ProtocolError;
