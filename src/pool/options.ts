/** What `open` and calls may be given, and the check that it makes sense. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Adapter, type Preload, validateAdapter } from "../adapter/adapter.ts";
import type { Containment } from "../adapter/containment.ts";
import { type Retry, retryCheck, type ToolCallOptions, callChecks as toolCallChecks } from "../api/calls.ts";
import { type Check, callback, checkOptions, isObject, milliseconds, timeout, whole } from "../api/check.ts";
import { InvalidOptions } from "../errors/index.ts";
import type { Progress } from "../tool/call.ts";
import type { HeartbeatSettings } from "../worker/heartbeat.ts";
import type { BreakerSettings } from "./breaker.ts";
import { defaults } from "./defaults.ts";
import type { LogEvent } from "./logs.ts";
import type { Recycling } from "./recycling.ts";
import type { RetryBudgetSettings } from "./retry-budget.ts";
import type { Scaling } from "./scaling.ts";

/** Where tools are: a file (relative to the working directory, absolute, or a `file:` URL) or a module path such as "package.module". */
export type ToolSource = string | URL;

/** How many workers a pool has, by demand. */
export interface WorkersOptions {
  /** Fewest. With 0 a pool without calls ends up without workers, and the next call waits until one has started. */
  readonly min: number;
  /** Most. */
  readonly max: number;
  /** Workers that are kept free beyond those that are busy, as far as `max` allows. Default 0. */
  readonly spare?: number | undefined;
  /** How long a worker has nothing to do before it ends, in milliseconds. Default 60 s. */
  readonly idleMs?: number | undefined;
}

/** How workers that do nothing are asked whether they live. */
export interface HeartbeatOptions {
  /** Between two questions, and the longest wait for an answer, in milliseconds. Default 2 s. */
  readonly intervalMs?: number | undefined;
  /** Questions without an answer, one after the other, after which a worker is killed and replaced. Default 3. */
  readonly misses?: number | undefined;
}

/** When calls fail at once with CircuitOpen, because too many before them have cost a worker or run out of time. What tools raise does not count. */
export interface BreakerOptions {
  /** Deaths of workers that had calls, and calls that ran out of time with a worker, after which the breaker opens. Default 5. */
  readonly failures?: number | undefined;
  /** Within how long they count, in milliseconds. Default 10 s. */
  readonly withinMs?: number | undefined;
  /** How long no call is let through, in milliseconds. Then one at a time is, until one is answered. Default 5 s. */
  readonly openMs?: number | undefined;
}

/** How many retries a pool makes, hedges included. */
export interface RetryBudgetOptions {
  /** Retries for each call. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Retries that may be made each second on top of those. Default 10. */
  readonly perSecond?: number | undefined;
  /** Most retries that are saved up, and those there are at first. Default 1,000. */
  readonly burst?: number | undefined;
}

/** Options of one pool. */
export interface PoolOptions {
  /** Files and modules with tools. Without any, no worker starts. */
  readonly tools?: ToolSource | readonly ToolSource[] | undefined;
  /** Number of workers, or between how many the pool grows and shrinks with its calls. Default: the smaller of 4 and the machine's cores. */
  readonly workers?: number | WorkersOptions | undefined;
  /** After what a worker is replaced by a fresh one, without a call failing. Default: never. */
  readonly recycle?: Recycling | undefined;
  /**
   * Whether workers are replaced when a Python file beside a file of `tools` changes, which is for development. Default false; `pit.reload()` does it once.
   */
  readonly reload?: boolean | undefined;
  /** How workers that do nothing are asked whether they live. */
  readonly heartbeat?: HeartbeatOptions | undefined;
  /** Threads for `def` tools in each worker. Default 1. */
  readonly threads?: number | undefined;
  /** `async def` calls and streams that one worker runs together. Default 100. */
  readonly maxConcurrent?: number | undefined;
  /** Python interpreter. Default: SNAKEPIT_PYTHON, VIRTUAL_ENV, ./.venv, then an environment that is made once. */
  readonly python?: string | undefined;
  /**
   * What a process imports once, from which workers are then forked in milliseconds and share its memory: "tools" for the tools themselves, or modules such as
   * `["numpy", "sklearn"]`. Where forking is unsafe workers are spawned, and a log line says why. Default: every worker imports for itself.
   */
  readonly preload?: Preload | undefined;
  /**
   * What of the processes that tools start ends with their worker, and with this program: "group" for those in the worker's process group, "subreaper" also
   * for those that leave it, such as daemons, "cgroup" for the same by a control group of each worker. The latter two need Linux and cannot be had with
   * `preload`. Default "group".
   */
  readonly containment?: Containment | undefined;
  /** Kind of worker. Default: Python. */
  readonly adapter?: Adapter | undefined;
  /** Environment variables for the workers, on top of the host's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Longest time of a call in milliseconds, the queue included; Infinity for none. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Longest time of a stream in milliseconds, from its first item being asked for to its end; Infinity for none. Default 300 s. */
  readonly streamTimeoutMs?: number | undefined;
  /** Longest time until a worker is ready, in milliseconds. Default 15 s. */
  readonly readyTimeoutMs?: number | undefined;
  /** How long cancelled tools, running calls of a closing pool and workers asked to end may go on, in milliseconds. Default 2 s. */
  readonly graceMs?: number | undefined;
  /** Most calls that wait for a worker. Default 1,000. */
  readonly queueSize?: number | undefined;
  /** Longest wait for a worker, in milliseconds. Default 10 s. */
  readonly queueTimeoutMs?: number | undefined;
  /** Which calls are sent again after their worker died. Default "safe". */
  readonly retry?: Retry | undefined;
  /** How often one call is sent again. Default 3. */
  readonly retries?: number | undefined;
  /** Wait before the first retry in milliseconds; it doubles with each. Default 1 s. */
  readonly retryBackoffMs?: number | undefined;
  /** How many retries the pool makes; calls beyond that fail with what killed their worker. False for no limit. Default: a fifth of the calls, and 10 a second. */
  readonly retryBudget?: RetryBudgetOptions | false | undefined;
  /** When calls fail at once instead of going to a pool that is sick. `{}` for the defaults of its own. Default false: never. */
  readonly breaker?: BreakerOptions | false | undefined;
  /** Largest message in bytes, buffers aside. Default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Largest sum of the buffers of one message, in bytes. Default 1 GiB. */
  readonly maxBufferBytes?: number | undefined;
  /**
   * Most memory that each worker shares with the program, in bytes; 0 to send everything over the socket. It is made as calls with large arrays need it, and
   * given back when they stop; what finds no room goes over the socket. docs/arrays.md says where memory can be shared. Default 512 MiB.
   */
  readonly sharedMemoryBytes?: number | undefined;
}

/** Options of all pools: those of one, or several pools by name. */
export interface PoolsOptions extends PoolOptions {
  /** Several pools by name. Options beside it are defaults for each. */
  readonly pools?: Readonly<Record<string, PoolOptions>> | undefined;
  /** Hears what tools print and log. Default: a prefixed line on the host's stderr. */
  readonly onLog?: ((event: LogEvent) => void) | undefined;
}

/** Options of one call. */
export interface CallOptions extends ToolCallOptions {
  /**
   * Sends the call to a second worker too when it has had no answer for so long, in milliseconds, and another worker is free. The first answer counts, the other
   * call is cancelled. Only for tools declared `idempotent=True`, or with `retry: "always"`; never for streams. Such a call counts as a retry in the budget.
   * A call that may go to one worker only, or is made by a host tool, or is of a batch tool, is not sent twice. Default: never.
   */
  readonly hedgeMs?: number | undefined;
  /** Hears how far the call is, as the tool reports it with `snakepit.progress`. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Whether the result comes as a `Lease`, whose large arrays look at memory of the worker's instead of being copied out of it. Not for streams, whose items are
   * always copied. Default false.
   */
  readonly view?: boolean | undefined;
}

/** Options of one pool with every default filled in. */
export interface PoolSettings {
  readonly name: string;
  readonly tools: readonly string[];
  readonly workers: Scaling;
  readonly recycle: Recycling | undefined;
  readonly reload: boolean;
  readonly heartbeat: HeartbeatSettings;
  readonly threads: number;
  readonly maxConcurrent: number;
  readonly python: string | undefined;
  readonly preload: Preload | undefined;
  readonly containment: Containment;
  readonly adapter: Adapter | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly streamTimeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly graceMs: number;
  readonly queueSize: number;
  readonly queueTimeoutMs: number;
  readonly retry: Retry;
  readonly retries: number;
  readonly retryBackoffMs: number;
  readonly retryBudget: RetryBudgetSettings | undefined;
  readonly breaker: BreakerSettings | undefined;
  readonly maxMessageBytes: number;
  readonly maxBufferBytes: number;
  readonly sharedMemoryBytes: number;
}

/** Options of all pools with every default filled in. */
export interface PoolsSettings {
  readonly pools: readonly PoolSettings[];
  readonly onLog: ((event: LogEvent) => void) | undefined;
}

const text: Check = { expected: "a string that is not empty", ok: (x) => typeof x === "string" && x !== "" };
const isSource = (x: unknown): x is ToolSource => (typeof x === "string" && x !== "") || (x instanceof URL && x.protocol === "file:");

const wholeWorkers = whole(1, 1_024);
const isPositive = (x: unknown): boolean => typeof x === "number" && x > 0 && Number.isFinite(x);
const recycleKeys = new Set<string>(["calls", "ageMs", "memoryBytes"] satisfies (keyof Recycling)[]);
/** What `workers` may hold beside `min` and `max`, which it has to. */
const scalingChecks: Record<keyof WorkersOptions, Check> = {
  min: whole(0, 1_024),
  max: wholeWorkers,
  spare: whole(0, 1_024),
  idleMs: milliseconds,
};
function isScaling(x: unknown): boolean {
  if (!isObject(x) || !("min" in x && "max" in x)) return false;
  const { min, max } = x;
  const rules: Readonly<Record<string, Check>> = scalingChecks;
  const isKnown = ([key, value]: [string, unknown]): boolean => (Object.hasOwn(rules, key) && rules[key]?.ok(value)) === true;
  const given = Object.entries(x).filter(([, value]) => value !== undefined);
  return given.every(isKnown) && typeof min === "number" && typeof max === "number" && min <= max;
}

const above0 = (x: unknown): boolean => typeof x === "number" && x >= 0 && Number.isFinite(x);
const breakerChecks: Readonly<Record<keyof BreakerOptions, Check>> = { failures: whole(1), withinMs: milliseconds, openMs: milliseconds };
const budgetChecks: Readonly<Record<keyof RetryBudgetOptions, Check>> = {
  ratio: { expected: "a number from 0", ok: above0 },
  perSecond: { expected: "a number from 0", ok: above0 },
  burst: whole(0),
};
/** Whether every member that is given is known and makes sense. */
function fits(x: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (!isObject(x)) return false;
  return Object.entries(x).every(([key, value]) => Object.hasOwn(checks, key) && (value === undefined || checks[key]?.ok(value) === true));
}

const poolChecks: Record<keyof PoolOptions, Check> = {
  tools: {
    expected: "a file, a file: URL, a module path, or an array of them",
    ok: (x) => isSource(x) || (Array.isArray(x) && x.every(isSource)),
  },
  workers: {
    expected: `${wholeWorkers.expected}, or { min, max, spare, idleMs } with min up to max`,
    ok: (x) => wholeWorkers.ok(x) || isScaling(x),
  },
  recycle: {
    expected: "{ calls, ageMs, memoryBytes }, each a number above 0",
    ok: (x) => isObject(x) && Object.entries(x).every(([key, value]) => recycleKeys.has(key) && (value === undefined || isPositive(value))),
  },
  reload: { expected: "true or false", ok: (x) => typeof x === "boolean" },
  heartbeat: {
    expected: "{ intervalMs, misses }, a number of milliseconds above 0 and a whole number from 1",
    ok: (x) =>
      isObject(x) &&
      Object.entries(x).every(
        ([key, value]) =>
          value === undefined || (key === "intervalMs" ? milliseconds.ok(value) && value !== 0 : key === "misses" && whole(1).ok(value)),
      ),
  },
  threads: whole(1, 256),
  maxConcurrent: whole(1),
  python: text,
  preload: {
    expected: '"tools", or an array of module names',
    ok: (x) =>
      x === "tools" ||
      (Array.isArray(x) && x.length > 0 && x.every((name) => typeof name === "string" && /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name))),
  },
  containment: {
    expected: '"group", "subreaper" or "cgroup"',
    ok: (x) => x === "group" || x === "subreaper" || x === "cgroup",
  },
  adapter: { expected: "an adapter", ok: isObject },
  env: { expected: "an object of strings", ok: (x) => isObject(x) && Object.values(x).every((v) => typeof v === "string") },
  timeoutMs: timeout,
  streamTimeoutMs: timeout,
  readyTimeoutMs: milliseconds,
  graceMs: milliseconds,
  queueSize: whole(0),
  queueTimeoutMs: timeout,
  retry: retryCheck,
  retries: whole(0, 100),
  retryBackoffMs: milliseconds,
  retryBudget: {
    expected: "false, or { ratio, perSecond, burst }, numbers from 0",
    ok: (x) => x === false || fits(x, budgetChecks),
  },
  breaker: {
    expected: "false, or { failures, withinMs, openMs }, a whole number from 1 and numbers of milliseconds",
    ok: (x) => x === false || fits(x, breakerChecks),
  },
  maxMessageBytes: whole(1_024, 2 ** 32 - 1),
  maxBufferBytes: whole(0, 2 ** 32 - 1),
  sharedMemoryBytes: whole(0),
};
const poolsChecks: Record<keyof PoolsOptions, Check> = {
  ...poolChecks,
  pools: {
    expected: "an object of pools by name",
    ok: (x) => isObject(x) && Object.keys(x).length > 0 && Object.values(x).every(isObject),
  },
  onLog: callback,
};
const callChecks: Record<keyof CallOptions, Check> = {
  ...toolCallChecks,
  view: { expected: "true or false", ok: (x) => typeof x === "boolean" },
  hedgeMs: milliseconds,
  onProgress: callback,
};

/** Throws InvalidOptions unless `options` are those of a call. */
export function checkCallOptions(options: CallOptions): void {
  checkOptions(options, callChecks);
}

/** What a worker is told: an absolute path for a file, the name for a module. */
function toolSource(source: ToolSource): string {
  if (source instanceof URL) return fileURLToPath(source);
  if (source.startsWith("file:")) return fileURLToPath(source);
  return /[/\\]|\.py$/.test(source) ? resolve(source) : source;
}

function retryBudget(options: RetryBudgetOptions | false = {}): RetryBudgetSettings | undefined {
  if (options === false) return undefined;
  const { ratio, perSecond, burst } = options;
  return {
    ratio: ratio ?? defaults.retryBudget.ratio,
    perSecond: perSecond ?? defaults.retryBudget.perSecond,
    burst: burst ?? defaults.retryBudget.burst,
  };
}

function breaker(options: BreakerOptions | false = false): BreakerSettings | undefined {
  if (options === false) return undefined;
  const { failures, withinMs, openMs } = options;
  return {
    failures: failures ?? defaults.breaker.failures,
    withinMs: withinMs ?? defaults.breaker.withinMs,
    openMs: openMs ?? defaults.breaker.openMs,
  };
}

const isList = (x: ToolSource | readonly ToolSource[]): x is readonly ToolSource[] => Array.isArray(x);

function scaling(workers: number | WorkersOptions): Scaling {
  const { min, max, spare, idleMs }: WorkersOptions = typeof workers === "number" ? { min: workers, max: workers } : workers;
  return { min, max, spare: spare ?? defaults.spare, idleMs: idleMs ?? defaults.idleMs };
}

function poolSettings(name: string, options: PoolOptions): PoolSettings {
  const { tools, adapter } = options;
  return {
    name,
    tools: tools === undefined ? [] : (isList(tools) ? tools : [tools]).map(toolSource),
    adapter: adapter === undefined ? undefined : validateAdapter(adapter),
    python: options.python,
    preload: options.preload,
    containment: options.containment ?? defaults.containment,
    env: options.env ?? {},
    workers: scaling(options.workers ?? defaults.workers()),
    recycle: options.recycle,
    reload: options.reload ?? defaults.reload,
    heartbeat: {
      intervalMs: options.heartbeat?.intervalMs ?? defaults.heartbeat.intervalMs,
      misses: options.heartbeat?.misses ?? defaults.heartbeat.misses,
    },
    threads: options.threads ?? defaults.threads,
    maxConcurrent: options.maxConcurrent ?? defaults.maxConcurrent,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    streamTimeoutMs: options.streamTimeoutMs ?? defaults.streamTimeoutMs,
    readyTimeoutMs: options.readyTimeoutMs ?? defaults.readyTimeoutMs,
    graceMs: options.graceMs ?? defaults.graceMs,
    queueSize: options.queueSize ?? defaults.queueSize,
    queueTimeoutMs: options.queueTimeoutMs ?? defaults.queueTimeoutMs,
    retry: options.retry ?? defaults.retry,
    retries: options.retries ?? defaults.retries,
    retryBackoffMs: options.retryBackoffMs ?? defaults.retryBackoffMs,
    retryBudget: retryBudget(options.retryBudget),
    breaker: breaker(options.breaker),
    maxMessageBytes: options.maxMessageBytes ?? defaults.maxMessageBytes,
    maxBufferBytes: options.maxBufferBytes ?? defaults.maxBufferBytes,
    sharedMemoryBytes: options.sharedMemoryBytes ?? defaults.sharedMemoryBytes,
  };
}

/**
 * Fills in the defaults. Throws InvalidOptions, which names the option and what was expected.
 *
 * @param others - What stands beside the options of pools, which is only checked.
 */
export function poolsSettings(options: PoolsOptions, others: Readonly<Record<string, Check>> = {}): PoolsSettings {
  if (!isObject(options)) throw new InvalidOptions({ option: "options", expected: "an object" });
  checkOptions(options, { ...poolsChecks, ...others });
  const { pools, onLog, ...shared } = options;
  if (pools === undefined) return { pools: [poolSettings(defaults.pool, shared)], onLog };
  const settings = Object.entries(pools).map(([name, own]) => {
    checkOptions(own, poolChecks, `pools.${name}.`);
    return poolSettings(name, { ...shared, ...own });
  });
  return { pools: settings, onLog };
}
