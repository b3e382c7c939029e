/** A gateway with many callers that read streams. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { GatewayService } from "../../src/gen/snakepit/v1/gateway_pb.ts";
import { type GatewayProgram, runtimes, startGateway } from "../gateway/program.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { many, pause, tagOf } from "../support.ts";

const CLIENTS = 200;
/** On each runtime. */
const SECONDS = 60;
/** Items of a stream, and the time between two: 200 clients take 2,000 items a second. */
const ITEMS = 20;
const TICK_MS = 100;
/** Streams of this time come first: caches fill and compilers work. */
const WARM_UP_MS = 20_000;
/** How often memory is looked at. */
const SAMPLE_MS = 2_000;
/**
 * What a stream may leave behind, in bytes; the objects of one take several kilobytes. Measured by what objects take when no stream runs: those that run
 * take some megabytes, more or less as they come, and the resident memory grows for minutes, until the runtime has room for its garbage. Only its end
 * says whether it stays within bounds.
 */
const FLAT_BYTES = 500;
const MOST_RESIDENT_BYTES = 600e6;

/** Reads one stream and looks at each item. */
async function read(client: Client<typeof GatewayService>, headers: HeadersInit): Promise<void> {
  const args = { kind: { case: "structValue", value: { fields: { stop: number(ITEMS), seconds: number(TICK_MS / 1_000) } } } } as const;
  let next = 0;
  for await (const { item } of client.executeToolStream({ tool: "ticks", args }, { headers, timeoutMs: 60_000 })) {
    const value = item?.kind.case === "numberValue" ? item.kind.value : undefined;
    if (value !== next) throw new Error(`item ${next} was ${value}`);
    next++;
  }
  if (next !== ITEMS) throw new Error(`a stream ended after ${next} items`);
}

const number = (value: number) => ({ kind: { case: "numberValue", value } }) as const;

/** Streams for so long. */
async function loaded(runtime: keyof typeof runtimes, clients: number, forMs: number, violations: Violations, chaos: Chaos) {
  const gateway: GatewayProgram = await startGateway(runtime);
  const client = createClient(GatewayService, createConnectTransport({ baseUrl: gateway.url, useBinaryFormat: true }));
  const headers = { authorization: `Bearer ${gateway.friend}` };
  const resident: number[] = [];
  let streams = 0;
  /** Streams for so long, and looks what is left when they have ended. */
  const load = async (ms: number): Promise<number> => {
    const until = performance.now() + ms;
    const looking = (async () => {
      while (performance.now() < until) {
        await pause(chaos.quick ? SAMPLE_MS / 10 : SAMPLE_MS);
        resident.push((await gateway.memory()).resident);
      }
    })();
    await many(Number.POSITIVE_INFINITY, clients, until, async () => {
      await read(client, headers).catch((error) => violations.add(`on ${runtime}, a stream failed`, tagOf(error)));
      streams++;
    });
    await looking;
    return (await gateway.memory()).used;
  };
  const before = await load(chaos.quick ? 0 : WARM_UP_MS);
  streams = 0;
  const after = await load(forMs);
  const grows = (after - before) / streams;
  const figures = {
    clients,
    streams,
    items: streams * ITEMS,
    bytesPerStream: Math.round(grows),
    megabytesUsed: [before, after].map((bytes) => Math.round(bytes / 1e5) / 10),
    megabytesResident: [resident[0], resident.at(-1)].map((bytes = 0) => Math.round(bytes / 1e6)),
  };
  chaos.progress(`${runtime}: ${JSON.stringify(figures)}`);
  // A few seconds tell nothing: caches fill and compilers work.
  if (!chaos.quick)
    violations.check(grows < FLAT_BYTES, `on ${runtime}, the gateway grows`, () => `by ${Math.round(grows)} bytes a stream`);
  violations.check(
    Math.max(...resident) < MOST_RESIDENT_BYTES,
    `on ${runtime}, the gateway takes more than ${MOST_RESIDENT_BYTES / 1e6} MB`,
  );
  violations.check(streams > 0, `on ${runtime}, no stream came to its end`);
  violations.check((await gateway.stop()) === 0, `on ${runtime}, the gateway did not end as it should`);
  return figures;
}

export const gatewayLoad: Scenario = {
  title: `${CLIENTS} callers read streams for ${SECONDS} s: none fails, and the gateway does not grow`,
  share: 3,
  async run(chaos) {
    const violations = new Violations();
    const half = (chaos.until - performance.now()) / 2;
    const ownMs = chaos.quick ? 3_000 : Math.min(half - WARM_UP_MS, SECONDS * 1_000);
    const clients = chaos.quick ? CLIENTS / 4 : CLIENTS;
    const figures: Record<string, unknown> = {};
    for (const runtime of Object.keys(runtimes) as (keyof typeof runtimes)[]) {
      figures[runtime] = await loaded(runtime, clients, ownMs, violations, chaos);
    }
    const isShort = !chaos.quick && ownMs < SECONDS * 1_000;
    return { figures, violations: violations.list, gaps: isShort ? [`only ${Math.round(ownMs / 1_000)} s each fitted into the time`] : [] };
  },
};
