/** What a client may be given, and every default of it. */

import type { Retry } from "../api/calls.ts";
import { retryCheck, type ToolCallOptions, callChecks as toolCallChecks } from "../api/calls.ts";
import { type Check, type Checks, callback, checkOptions, isObject, milliseconds, timeout, whole } from "../api/check.ts";
import { InvalidOptions } from "../errors/index.ts";

/** A token, or what gives one. A function is asked when the first request is made, and again when the gateway does not accept its token any more. */
export type Token = string | (() => string | Promise<string>);

/** How requests are made: `fetch` itself, or a function that is called as it is. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of a client. */
export interface ConnectOptions {
  /** Where the gateway is, such as "https://pit.example.com". A path is the prefix under which it is mounted. */
  readonly url: string | URL;
  /** Who asks. Default: nobody, for gateways that want no token. */
  readonly token?: Token | undefined;
  /** Headers of every request, for what stands before the gateway. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How requests are made. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /**
   * Which calls are sent again after they failed: "safe" for those that the gateway did not let in, that are retryable by themselves, or that are idempotent;
   * "always" also for those whose connection was lost while they may have run. Default "safe".
   */
  readonly retry?: Retry | undefined;
  /** How often one call is sent again. One that the gateway wants more than a minute later (`retryAfterMs`) is not. Default 3. */
  readonly retries?: number | undefined;
  /** Wait before the first retry in milliseconds; it doubles with each. Default 200 ms. */
  readonly retryBackoffMs?: number | undefined;
  /** How long a watch that has lost its connection tries to get it back, in milliseconds; Infinity for ever. Default 60 s. */
  readonly reconnectMs?: number | undefined;
}

/** Options of a client with every default filled in. */
export interface ClientSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: Token | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: Fetch;
  readonly retry: Retry;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly reconnectMs: number;
}

/** Longest wait between two attempts that the client chooses by itself, in milliseconds. */
export const LONGEST_BACKOFF_MS = 5_000;

/** Longest wait that a gateway may ask for with `retryAfterMs`, in milliseconds. What asks for more fails at once. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

const isUrl = (value: unknown): boolean =>
  (typeof value === "string" || value instanceof URL) && URL.canParse(value) && /^https?:/.test(new URL(value).protocol);
const connectChecks: Checks<ConnectOptions> = {
  url: { expected: "an http: or https: URL", ok: isUrl },
  token: {
    expected: "a string that can stand in a header, or a function that gives one",
    ok: (x) => (x !== "" && isToken(x)) || typeof x === "function",
  },
  headers: {
    expected: "an object of strings, with names and values that can stand in headers",
    ok: (x) => isObject(x) && Object.values(x).every((text) => typeof text === "string") && areHeaders(x),
  },
  fetch: callback,
  retry: retryCheck,
  retries: whole(0, 100),
  retryBackoffMs: milliseconds,
  reconnectMs: timeout,
};

/** Whether a token can be sent. */
export const isToken = (value: unknown): value is string =>
  typeof value === "string" && areHeaders({ authorization: authorization(value) });

/** The header that shows a token. */
export const authorization = (token: string): string => `Bearer ${token}`;

/** Whether `fetch` takes them. What it says of those that it refuses is not for anybody: it may quote a token. */
function areHeaders(headers: object): boolean {
  try {
    new Headers(Object.entries(headers));
    return true;
  } catch {
    return false;
  }
}

const priority: Check = whole(-(2 ** 31), 2 ** 31 - 1);
const callChecks: Checks<ToolCallOptions> = { ...toolCallChecks, priority };

/** Fills in the defaults. Throws InvalidOptions, which names the option and what was expected. */
export function clientSettings(options: ConnectOptions): ClientSettings {
  checkOptions(options, connectChecks);
  if (options.url === undefined) throw new InvalidOptions({ option: "url", expected: connectChecks.url.expected });
  return {
    url: new URL(options.url).href.replace(/\/+$/, ""),
    token: options.token,
    headers: options.headers ?? {},
    // Browsers want it called as a function of the global object.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    retry: options.retry ?? "safe",
    retries: options.retries ?? 3,
    retryBackoffMs: options.retryBackoffMs ?? 200,
    reconnectMs: options.reconnectMs ?? 60_000,
  };
}

/** Throws InvalidOptions unless `options` are those of a call through a gateway. */
export const checkCallOptions = (options: ToolCallOptions): void => checkOptions(options, callChecks);
