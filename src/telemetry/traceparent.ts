/** The W3C trace context of a call: which trace it belongs to, under which span, and whether anybody records it. */

/** Who a call is part of, as tracing has it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const PATTERN = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** Whether it is a trace context of version 00. */
export function isTraceparent(text: string): boolean {
  return PATTERN.test(text);
}

/** A trace context as it travels. Empty when its ids are none that W3C knows. */
export function traceparentOf({ traceId, spanId, sampled }: TraceContext): string {
  // Effect's own tracer has ids of these lengths; a shorter trace id is filled up as W3C says.
  const text = `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`;
  return isTraceparent(text) ? text : "";
}

/** What a trace context says; undefined for what is none. */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (!isTraceparent(text)) return undefined;
  return { traceId: text.slice(3, 35), spanId: text.slice(36, 52), sampled: (Number.parseInt(text.slice(53), 16) & 1) === 1 };
}
