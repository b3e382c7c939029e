/** What ends a call from outside: its timeout and its signal. */
import { Code, ConnectError } from "@connectrpc/connect";

/** The longest time that timers know; beyond it there is none. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** Watches the timeout and the signal of one call. Is the signal's listener itself, so that nothing is allocated for that. */
export class CallLimits {
  private readonly signal: AbortSignal | undefined;
  private readonly onEnd: (error: ConnectError) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onEnd The call is to end with this error. Called at most once. */
  constructor(signal: AbortSignal | undefined, timeoutMs: number | undefined, onEnd: (error: ConnectError) => void) {
    this.signal = signal;
    this.onEnd = onEnd;
    signal?.addEventListener("abort", this);
    if (timeoutMs === undefined || timeoutMs > MAX_TIMER_MS) return;
    this.timer = setTimeout(() => this.end(new ConnectError("the operation timed out", Code.DeadlineExceeded)), timeoutMs);
  }

  /** The call has ended by itself. */
  stop(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener("abort", this);
  }

  handleEvent(): void {
    this.end(ConnectError.from(this.signal?.reason, Code.Canceled));
  }

  private end(error: ConnectError): void {
    this.stop();
    this.onEnd(error);
  }
}

/** A timeout as the header of a frame has it: whole milliseconds, 0 for none. */
export function timeoutField(timeoutMs: number | undefined): number {
  return timeoutMs === undefined ? 0 : Math.min(Math.max(Math.ceil(timeoutMs), 1), 0xffff_ffff);
}
