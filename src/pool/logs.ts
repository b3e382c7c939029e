/** What Python prints and logs, on its way to the host's program. */
import { stderr } from "node:process";

/** One line. */
export interface LogEvent {
  /** Pool it comes from. */
  readonly pool: string;
  /** Worker it comes from; empty for the steps of the set-up. */
  readonly worker: string;
  /** Tool that was running; empty outside a call. */
  readonly tool: string;
  /** Session of the call; empty outside a session. */
  readonly session: string;
  /** Number of the call, as its events have it; 0 outside a call, and of a call that is over. */
  readonly call: number;
  /** The trace that the call belongs to, as 32 hexadecimal digits; empty when nobody traces it. */
  readonly trace: string;
  /** How serious it is, from Python's logging. What is printed counts as "info", to stderr as "warning". */
  readonly level: "debug" | "info" | "warning" | "error" | "critical";
  /** "stdout", "stderr", the name of a Python logger, "setup" for the making of the Python environment, or "snakepit" for the pool's own words. */
  readonly source: string;
  /** The line, without its end. */
  readonly text: string;
}

/** The name of a level as Python's logging numbers it. */
export function levelName(level: number): LogEvent["level"] {
  if (level >= 50) return "critical";
  if (level >= 40) return "error";
  if (level >= 30) return "warning";
  return level >= 20 ? "info" : "debug";
}

/** Writes a line to the host's stderr as JSON, for programs that collect logs: give it to `onLog`. Fields that say nothing are left out. */
export function printLogJson({ text, ...event }: LogEvent): void {
  const about = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== "" && value !== 0));
  stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...about, text })}\n`);
}

/** What happens to lines when nobody asked for them: each goes to the host's stderr, after the worker and the tool it comes from. */
export function printLog(event: LogEvent): void {
  const from = [event.worker === "" ? event.pool : event.worker, event.tool].filter((part) => part !== "").join(" ");
  stderr.write(`[snakepit ${from}] ${event.text}\n`);
}
