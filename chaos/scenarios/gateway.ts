/** A gateway that is attacked while somebody works with it. */
import { attack } from "../gateway/attack.ts";
import { Loris } from "../gateway/loris.ts";
import { bombs } from "../gateway/malformed.ts";
import { type Call, Caller, type GatewayProgram, type runtimes, startGateway } from "../gateway/program.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { pause, spread, within } from "../support.ts";

/** How often quiet and attacked times take turns, so that what else the machine does meets both. */
const ROUNDS = 8;
const LORISES = 300;
/** Malformed requests of HTTP/1.1 and connections of HTTP/2 in each tick, so that the attackers, which share the machine, leave some of it. */
const TICK_MS = 100;
const TICK = { http1: 12, http2: 1 };
const FACTOR = 2;

/** The server refuses a body of this size that comes packed in some kilobytes. */
const BOMB_BYTES = 80_000_000;
const packed = bombs(BOMB_BYTES);

/** Sends a body that is too large when it is unpacked. Answers the status. */
async function sendBomb({ url, foe }: GatewayProgram, at: number): Promise<number> {
  const { encoding, body } = packed[at % packed.length] ?? { encoding: "", body: "" };
  const headers = { "content-type": "application/json", "content-encoding": encoding, authorization: `Bearer ${foe}` };
  const response = await fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, { method: "POST", headers, body });
  await response.text();
  return response.status;
}

/** How long the calls took that began between these times. */
const between = (calls: readonly Call[], from: number, to: number): number[] =>
  calls.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);

async function attacked(runtime: keyof typeof runtimes, chaos: Chaos, forMs: number, violations: Violations) {
  const gateway = await startGateway(runtime);
  const caller = new Caller(gateway);
  // The first calls pay for what is made once.
  await within(10_000, () => caller.calls.length >= 200);
  const rounds = chaos.quick ? 2 : ROUNDS;
  const roundMs = chaos.quick ? 1_000 : forMs / rounds / 2;
  const quiet: number[] = [];
  const busy: number[] = [];
  const factors: number[] = [];
  let sent = 0;
  let dawdled = 0;
  for (let round = 0; round < rounds; round++) {
    const from = Date.now();
    await pause(roundMs);
    const attackedFrom = Date.now();
    const end = performance.now() + roundMs;
    const loris = new Loris(gateway.port, LORISES, gateway.foe);
    const bomb = sendBomb(gateway, round);
    while (performance.now() < end) {
      const next = performance.now() + TICK_MS;
      const order = { port: gateway.port, token: gateway.foe, atOnce: 4, until: end, random: chaos.random };
      sent += await attack({ ...order, http1: TICK.http1, http2: runtime === "node" ? TICK.http2 : 0 }, violations);
      await pause(Math.max(0, next - performance.now()));
    }
    const to = Date.now();
    const before = between(caller.calls, from, attackedFrom);
    const during = between(caller.calls, attackedFrom, to);
    quiet.push(...before);
    busy.push(...during);
    factors.push(spread(during).median / spread(before).median);
    dawdled = Math.max(dawdled, loris.held);
    loris.end();
    const status = await bomb;
    violations.check(status === 429, `on ${runtime}, a body that is too large was answered ${status}`);
  }
  await caller.stop();
  for (const { wrong } of caller.calls) if (wrong !== undefined) violations.add(`on ${runtime}, a call of somebody else went wrong`, wrong);
  const { resident } = await gateway.memory();
  const done = gateway.ended("foe", "ok");
  violations.check(done === 0, `on ${runtime}, something was done for the attacker`, () => `${done} times`);
  violations.check((await gateway.stop()) === 0, `on ${runtime}, the gateway did not end as it should`);
  const times = { quiet: spread(quiet), attacked: spread(busy) };
  // Round by round, since what else the machine does comes and goes.
  const factor = Math.round((factors.toSorted((a, b) => a - b)[factors.length >> 1] ?? Number.NaN) * 100) / 100;
  // Some hundred calls tell nothing about a busy machine.
  if (!chaos.quick)
    violations.check(factor <= FACTOR, `on ${runtime}, calls took more than ${FACTOR} times as long under attack`, () =>
      JSON.stringify(times),
    );
  violations.check(quiet.length > 0 && busy.length > 0, `on ${runtime}, the other caller got no answer`);
  const figures = { sent, dawdled, calls: [quiet.length, busy.length], ms: times, factor, megabytes: Math.round(resident / 1e6) };
  chaos.progress(`${runtime}: ${JSON.stringify(figures)}`);
  return figures;
}

export const gateway: Scenario = {
  title: `malformed requests, ${LORISES} clients that dawdle and bodies that unpack to ${BOMB_BYTES / 1e6} MB are refused, while another caller's median latency stays within ${FACTOR} times its own`,
  share: 2,
  async run(chaos) {
    const violations = new Violations();
    // What starting takes is left out of it.
    const half = ((chaos.until - performance.now()) / 2) * 0.9;
    const onNode = await attacked("node", chaos, half, violations);
    const onBun = await attacked("bun", chaos, half, violations);
    return { figures: { node: onNode, bun: onBun }, violations: violations.list, gaps: [] };
  },
};
