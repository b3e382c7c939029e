/** Time limits of callers, as far as timers hold them. */

/** Longest time of a timer: 24 days. One that is longer is over at once, and Node says so on stderr each time. */
const LONGEST_MS = 2 ** 31 - 1;
const CONNECT = "connect-timeout-ms";
const GRPC = "grpc-timeout";
/** Milliseconds of the units that gRPC has and that can be too long. */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

/** The headers with a time limit that timers hold: the same headers, unless somebody wants to wait for longer. What is no time limit is left to Connect. */
export function withTimeLimit(headers: Headers): Headers {
  const connect = headers.get(CONNECT);
  if (connect !== null && /^\d{10}$/.test(connect) && Number(connect) > LONGEST_MS) return changed(headers, CONNECT, String(LONGEST_MS));
  const grpc = headers.get(GRPC);
  if (grpc !== null && /^\d{1,8}[HMS]$/.test(grpc) && Number.parseInt(grpc, 10) * (units[grpc.slice(-1)] ?? 0) > LONGEST_MS)
    return changed(headers, GRPC, `${Math.floor(LONGEST_MS / 1_000)}S`);
  return headers;
}

function changed(headers: Headers, name: string, value: string): Headers {
  const copy = new Headers(headers);
  copy.set(name, value);
  return copy;
}
