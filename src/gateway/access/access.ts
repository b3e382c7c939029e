/** Lets requests in or refuses them: the first thing that happens to a request, before its body is read. */
import { createContextValues } from "@connectrpc/connect";
import { InvalidOptions, isSnakepitError, RateLimited, Unauthenticated } from "../../errors/index.ts";
import type { Admission, RequestHead } from "../http/site.ts";
import { codeName, openAudit, type RequestRecord, recordKey } from "./audit.ts";
import { authorize } from "./authorize.ts";
import { isKnown, type Known, type Recognised } from "./credentials.ts";
import { addressKey, Buckets, type Rate, Running } from "./limits.ts";
import type { AccessLimits, AccessOptions } from "./options.ts";
import { actionOf, isPublic, metricsPath, watchPath } from "./paths.ts";
import { nobody, principalKey } from "./principal.ts";
import { recogniser } from "./recognise.ts";
import { reasonOf } from "./tokens.ts";

/** Decides who is let in. */
export interface Access {
  /** As `Site.admit`. Throws Unauthenticated, PermissionDenied or RateLimited. */
  admit(request: RequestHead): Promise<Admission>;
  /** Resolves when the audit log is written. */
  close(): Promise<void>;
}

const defaultConcurrent = 1_000;
const defaultFailuresPerMinute = 60;
/** What somebody who has too much under way is told to wait, in milliseconds: nobody knows when something will end. */
const BUSY_MS = 1_000;
/** Watches of the health from one address, which need no token. */
const MOST_WATCHES = 100;

/**
 * Opens what decides who is let in.
 *
 * @param now Milliseconds since 1970.
 * @throws InvalidOptions
 */
export function openAccess(options: AccessOptions, now: () => number = Date.now): Access {
  const { requestsPerSecond, concurrent = defaultConcurrent, failuresPerMinute = defaultFailuresPerMinute } = checked(options.limits ?? {});
  const failureRate: Rate = { perSecond: failuresPerMinute / 60, burst: failuresPerMinute };
  const rates = new Buckets(now);
  const failures = new Buckets(now);
  const running = new Running();
  const watches = new Running();
  const onChange = (problem: unknown): void => {
    if (problem !== undefined)
      process.stderr.write(`snakepit: what was read before still holds, since a file of tokens or keys is wrong: ${reasonOf(problem)}\n`);
    const outcome = problem === undefined ? "ok" : "malformed";
    audit.write({ time: new Date(now()).toISOString(), principal: "gateway", action: "tokens", outcome, durationMs: 0 });
  };
  const who = recogniser(options.auth ?? {}, options.hosts ?? [], onChange, now);
  const audit = openAudit(options.audit);

  async function recognise(request: RequestHead): Promise<Recognised> {
    const recognised = who.atOnce(request) ?? (await who.check(request));
    // Whoever may come in does, however many others fail from the same address: behind a proxy that is everybody's.
    if (isKnown(recognised)) return recognised;
    const waitMs = failures.take(addressKey(request.peer.address), failureRate);
    if (waitMs > 0) throw new RateLimited({ retryAfterMs: waitMs });
    return recognised;
  }

  /** Counts a request as begun. Throws RateLimited. */
  function begin({ principal: { id }, ...own }: Known): void {
    if (!running.begin(id, own.concurrent ?? concurrent)) throw new RateLimited({ retryAfterMs: BUSY_MS });
    const perSecond = own.requestsPerSecond ?? requestsPerSecond;
    const waitMs = perSecond === undefined ? 0 : rates.take(id, { perSecond, burst: Math.max(1, perSecond) });
    if (waitMs === 0) return;
    running.end(id);
    throw new RateLimited({ retryAfterMs: waitMs });
  }

  /** What is public is answered at once, but for watches of the health: nobody would have to be known to hold connections without end. */
  function admitAnybody({ url, peer }: RequestHead): Admission {
    const values = createContextValues();
    if (url.pathname !== watchPath) return { values, release: () => {} };
    const key = addressKey(peer.address);
    if (!watches.begin(key, MOST_WATCHES)) throw new RateLimited({ retryAfterMs: BUSY_MS });
    return { values, release: () => watches.end(key) };
  }

  async function admit(request: RequestHead): Promise<Admission> {
    const { pathname } = request.url;
    if (isPublic(pathname)) return admitAnybody(request);
    const began = now();
    const action = actionOf(pathname);
    const record: RequestRecord = { outcome: outcomeUnlessTold(action) };
    let id = nobody.id;
    const tell = (): void => {
      const { address } = request.peer;
      const time = new Date(began).toISOString();
      audit.write({
        time,
        principal: id,
        action,
        ...record,
        durationMs: now() - began,
        ...(address === undefined ? {} : { address }),
      });
    };
    try {
      const recognised = await recognise(request);
      id = isKnown(recognised) ? recognised.principal.id : (recognised.claims ?? id);
      if (!isKnown(recognised)) throw new Unauthenticated({ reason: recognised.reason });
      const values = createContextValues().set(principalKey, recognised.principal).set(recordKey, record);
      if (pathname === metricsPath) authorize(values, { kind: "metrics" });
      begin(recognised);
      const release = (): void => {
        running.end(id);
        tell();
      };
      return { values, release };
    } catch (error) {
      record.outcome = isSnakepitError(error) ? codeName(error.code) : "internal";
      tell();
      throw error;
    }
  }

  return { admit, close: () => audit.close() };
}

/** The outcome of what no handler tells about: a page, or a request that reached none. */
function outcomeUnlessTold(action: string): string {
  if (action === "metrics") return "ok";
  return action === "unknown" ? "not_found" : "malformed";
}

function checked(limits: AccessLimits): AccessLimits {
  for (const name of ["requestsPerSecond", "concurrent", "failuresPerMinute"] as const) {
    const value = limits[name];
    if (value !== undefined && !(value > 0)) throw new InvalidOptions({ option: `limits.${name}`, expected: "a number above 0" });
  }
  return limits;
}
