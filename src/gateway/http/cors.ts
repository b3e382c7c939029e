/** Which web pages of other origins may ask. */
import { cors as connect } from "@connectrpc/connect";

/** Origins such as "https://app.example.com" that may ask, or "*" for all of them. */
export type CorsOrigins = "*" | readonly string[];

/** How long a browser remembers what it may do, in seconds: as long as any browser does. */
const MAX_AGE_S = 7_200;
const requestHeaders = [...connect.allowedHeaders, "Authorization", "Idempotency-Key", "Traceparent", "Tracestate"].join(", ");
const responseHeaders = [...connect.exposedHeaders, "Retry-After"].join(", ");

/** The answer to a browser that asks whether it may ask; undefined for any other request. */
export function preflight(origins: CorsOrigins, method: string, headers: Headers): Response | undefined {
  if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
  const answer = new Response(null, { status: 204 });
  if (allowOrigin(origins, headers, answer.headers)) {
    answer.headers.set("access-control-allow-methods", connect.allowedMethods.join(", "));
    answer.headers.set("access-control-allow-headers", requestHeaders);
    answer.headers.set("access-control-max-age", String(MAX_AGE_S));
  }
  return answer;
}

/** Lets the page that asked read the answer, where it may. */
export function allowReading(origins: CorsOrigins, request: Headers, answer: Headers): void {
  if (allowOrigin(origins, request, answer)) answer.set("access-control-expose-headers", responseHeaders);
}

function allowOrigin(origins: CorsOrigins, request: Headers, answer: Headers): boolean {
  const origin = request.get("origin");
  if (origins !== "*") answer.append("vary", "origin");
  if (origin === null || !(origins === "*" || origins.includes(origin))) return false;
  answer.set("access-control-allow-origin", origins === "*" ? "*" : origin);
  return true;
}
