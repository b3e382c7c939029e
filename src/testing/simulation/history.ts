/**
 * One history of a pool by a seed: the real dispatcher, queue, retries, deadlines and supervisor, with workers, calls and deaths that chance has made. The same
 * seed gives the same history, to the line.
 */
import { create } from "@bufbuild/protobuf";
import { Effect, Exit, Scope } from "effect";
import { isSnakepitError } from "../../errors/index.ts";
import { type Tool, ToolSchema } from "../../gen/snakepit/v1/tool_pb.ts";
import { UnaryCall } from "../../pool/call.ts";
import { Dispatcher } from "../../pool/dispatcher.ts";
import { poolsSettings } from "../../pool/options.ts";
import { Supervisor } from "../../pool/supervisor.ts";
import { Random } from "../random.ts";
import { inVirtualTime, type VirtualTime } from "./virtual-time.ts";
import { simulatedLaunch, type World } from "./worker.ts";

/** What a history leaves behind. */
export interface History {
  /** Everything that happened, with the time. */
  readonly lines: readonly string[];
  /** The rules that were broken. */
  readonly broken: readonly string[];
}

const tools: readonly Tool[] = [
  create(ToolSchema, { name: "quick", idempotent: true }),
  create(ToolSchema, { name: "slow" }),
  create(ToolSchema, { name: "again", idempotent: true }),
  create(ToolSchema, { name: "later", asynchronous: true, idempotent: true }),
  create(ToolSchema, { name: "later_once", asynchronous: true }),
];

/** How a call may end. */
const ENDS: ReadonlySet<string> = new Set([
  "value",
  "Cancelled",
  "CallTimeout",
  "QueueFull",
  "QueueTimeout",
  "WorkerCrashed",
  "ConnectionLost",
  "WorkerStartFailed",
]);
/** The scan looks every 10 ms, and an end may take some steps. */
const LATE_MS = 30;
const WHOLE_MS = 3_000;

/** Plays the history of a seed. */
export function play(seed: number): Promise<History> {
  const random = new Random(seed);
  return inVirtualTime(random.fork(), (time) => playIn(time, random));
}

async function playIn(time: VirtualTime, random: Random): Promise<History> {
  const lines: string[] = [];
  const broken: string[] = [];
  const note = (event: string): void => {
    lines.push(`${time.now.toFixed(1)} ${event}`);
  };
  const workers = 1 + random.whole(4);
  const deadly = random.chance(0.7);
  const odds = {
    failedStart: random.chance(0.3) ? 0.2 : 0,
    death: deadly ? 0.8 : 0,
    stubborn: random.chance(0.3) ? 0.5 : 0,
  };
  const [settings] = poolsSettings({
    tools: "none",
    workers,
    threads: 1 + random.whole(2),
    maxConcurrent: 1 + random.whole(5),
    queueSize: random.pick([0, 3, 100] as const),
    queueTimeoutMs: random.pick([50, 400] as const),
    graceMs: 60,
    readyTimeoutMs: 200,
    retries: random.whole(4),
    retryBackoffMs: 10,
  }).pools;
  if (settings === undefined) throw new Error("there is one pool");
  const dispatcher = new Dispatcher(settings, { add: () => 1, remove() {} });
  dispatcher.catalog.update(tools);
  const starts = new Map<number, number>();
  const world: World = {
    random: random.fork(),
    tools,
    odds,
    note,
    broken: (rule) => broken.push(rule),
    began(worker, call) {
      const id = idOf(call.args);
      starts.set(id, (starts.get(id) ?? 0) + 1);
      note(`call ${id} (${call.tool}) is with ${worker}`);
    },
  };
  let made = 0;
  const supervisor = new Supervisor({
    launch: simulatedLaunch(world),
    dispatcher,
    limits: { maxMessageBytes: 1, maxBufferBytes: 1, streamWindowBytes: 1 },
    handlers: () => ({}),
    env: {},
    record: () => ({ started() {}, forget() {} }),
    nextId: () => `w${++made}`,
    events: () => ({ onLog() {}, onLine() {} }),
  });
  const scope = Scope.makeUnsafe();
  await Effect.runPromise(supervisor.start(workers).pipe(Scope.provide(scope)));

  const count = 10 + random.whole(30);
  const begin = random.fork();
  let open = count;
  for (let id = 0; id < count; id++) {
    setTimeout(() => call(id), begin.whole(600));
  }

  function call(id: number): void {
    const tool = begin.pick(tools)!;
    const timeoutMs = begin.pick([40, 300, 1_000] as const);
    const since = time.now;
    const controller = new AbortController();
    let ends = 0;
    const end = (how: string): void => {
      note(`call ${id} ends: ${how}`);
      if (++ends > 1) broken.push(`call ${id} ended ${ends} times`);
      else open--;
      if (!ENDS.has(how)) broken.push(`call ${id} ended as ${how}`);
      if (time.now - since > timeoutMs + LATE_MS) broken.push(`call ${id} ended ${time.now - since - timeoutMs} ms after its deadline`);
      if (!tool.idempotent && (starts.get(id) ?? 0) > 1)
        broken.push(`call ${id} of a tool that may run once was sent ${starts.get(id)} times`);
      if (dispatcher.queued > settings!.queueSize + count) broken.push("the queue is longer than it may be");
    };
    const entry = dispatcher.catalog.find(tool.name, false);
    if (entry instanceof Error) throw entry;
    note(`call ${id} (${tool.name}) begins, ${timeoutMs} ms`);
    const options = { priority: begin.whole(3), signal: controller.signal };
    const made = new UnaryCall(
      dispatcher,
      entry,
      { id },
      timeoutMs,
      "safe",
      options,
      (value) => end(idOf(value) === id ? "value" : `another's answer ${idOf(value)}`),
      (error) => end(isSnakepitError(error) ? error._tag : String(error)),
    );
    dispatcher.submit(made);
    if (begin.chance(0.2)) setTimeout(() => controller.abort(), begin.whole(100));
  }

  if (!(await time.pass(WHOLE_MS, () => open === 0))) broken.push(`${open} calls never ended`);
  const { calls, succeeded, failed } = dispatcher.counts;
  if (calls !== count || succeeded + failed !== calls) broken.push(`${calls} calls, of which ${succeeded} + ${failed} ended`);
  if (dispatcher.live !== 0 || dispatcher.queued !== 0) broken.push(`${dispatcher.live} live, ${dispatcher.queued} queued at the end`);

  let closed = false;
  supervisor.close();
  void dispatcher.close();
  void Effect.runPromise(Scope.close(scope, Exit.void)).then(() => {
    closed = true;
  });
  if (!(await time.pass(time.now + 2_000, () => closed))) broken.push("the pool does not close");
  if (dispatcher.workers.length > 0) broken.push(`${dispatcher.workers.length} workers are left`);
  note(`${supervisor.started} started, ${supervisor.crashes} crashed`);
  return { lines, broken };
}

function idOf(args: unknown): number {
  return typeof args === "object" && args !== null && "id" in args ? Number(args.id) : Number.NaN;
}
