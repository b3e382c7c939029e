/** Broken frames against a real worker. */

import { once } from "node:events";
import { connect } from "node:net";
import { Kind } from "../../src/carrier/frame.ts";
import type { Random } from "../../src/testing/random.ts";
import { complete, mutate } from "../frames/mutate.ts";
import { join, ping, pingId, places, stories } from "../frames/stories.ts";
import { dataHello, Farm, lifelineHello, reach, Target } from "../frames/worker-target.ts";
import { residentBytes } from "../processes.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { many, orLate } from "../support.ts";

const PATIENCE_MS = 10_000;
/** Stories that are sent before the answers are waited for. */
const BATCH = 32;
/** Workers at once. */
const LANES = 8;
/** Stories for one worker, should it live so long. */
const STORIES_A_WORKER = 256;
/** The limits of the handshake (1 MiB for a message, as much for its buffers) for each of some calls that were never ended, and the interpreter's own allowance. */
const MEMORY_BYTES = 32 << 20;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What went wrong inside a worker, as it said itself; empty when nothing did. What a broken frame does to a host's own connection is none. */
function fault(said: string): string {
  const at = said.search(/fault of the worker|Traceback|Fatal Python error/);
  return at < 0 ? "" : said.slice(at).split("\n").slice(-12).join(" | ");
}

interface Case {
  readonly seed: number;
  readonly bytes: Uint8Array;
}

/** Sends cases to one worker until it closes the connection or has had enough. Answers how many it has had. */
async function feed(farm: Farm, cases: readonly Case[], violations: Violations, growth: number[]): Promise<number> {
  const target = await Target.open(farm);
  const before = residentBytes(target.pid);
  const answered = new Set<number>();
  let wake = (): void => {};
  target.onFrame = ({ kind, call }) => {
    if (kind === Kind.RESULT) answered.add(call);
    wake();
  };
  let closed = false;
  void target.closed.then(() => {
    closed = true;
    wake();
  });
  let done = 0;
  while (done < cases.length && !closed) {
    const batch = cases.slice(done, done + BATCH);
    const last = pingId(PING_FROM + done + batch.length - 1);
    target.send(join(batch.flatMap(({ bytes }, n) => [bytes, ping(PING_FROM + done + n, "still there")])));
    const all = new Promise<void>((resolve) => {
      wake = () => {
        if (closed || answered.has(last)) resolve();
      };
      wake();
    });
    const late = (await orLate(all, PATIENCE_MS)) === "late";
    const missing = batch.findIndex((_, n) => !answered.has(pingId(PING_FROM + done + n)));
    if (late) violations.add("worker: it hangs", `after ${hex(batch[Math.max(0, missing)]!.bytes)}`);
    // The one that closed it was had too.
    done += missing < 0 ? batch.length : missing + 1;
    if (late) break;
    growth.push(residentBytes(target.pid) - before);
  }
  const lastCase = cases[Math.max(0, done - 1)];
  target.end();
  const code = await orLate(target.exited, PATIENCE_MS);
  target.drop();
  const detail = (): string =>
    `${code} after seed ${lastCase?.seed}, ${lastCase === undefined ? "" : hex(lastCase.bytes)}: ${fault(farm.said(target.path))}`;
  if (code === "late") violations.add("worker: it does not end", detail());
  else violations.check(code === 0 || code === 1, "worker: it crashed", detail);
  violations.check(fault(farm.said(target.path)) === "", "worker: a fault of its own", detail);
  return done;
}

/** Ids of the questions, far from those of the stories. */
const PING_FROM = 0x1000_0000;

function caseOf(seed: number, make: (seed: number) => Random, call: number): Case {
  const random = make(seed);
  const story = random.pick(stories) ?? stories[0]!;
  return { seed, bytes: complete(mutate(story(call), random)) };
}

/** Every story cut at every byte, after which the host is gone. */
async function cuts(
  farm: Farm,
  stride: number,
  until: number,
  violations: Violations,
): Promise<{ readonly done: number; readonly of: number }> {
  const all = stories.flatMap((story) => {
    const bytes = join(story(1));
    return places(bytes, stride).map((at) => bytes.subarray(0, at));
  });
  const done = await many(all.length, LANES * 2, until, async (n) => {
    const bytes = all[n]!;
    const target = await Target.open(farm);
    target.send(bytes);
    target.end();
    const code = await orLate(target.exited, PATIENCE_MS);
    target.drop();
    const detail = (): string => `${code} after ${hex(bytes)}: ${fault(farm.said(target.path))}`;
    violations.check(
      code === 0 || code === 1,
      code === "late" ? "worker: it does not end after a cut" : "worker: it crashed of a cut",
      detail,
    );
    violations.check(fault(farm.said(target.path)) === "", "worker: a fault of its own after a cut", detail);
  });
  return { done, of: all.length };
}

/** Every story in two pieces at every byte, on one connection: as good as whole. */
async function pieces(farm: Farm, stride: number, violations: Violations): Promise<number> {
  const target = await Target.open(farm);
  const answers = new Set<number>();
  let wake = (): void => {};
  target.onFrame = ({ kind, call }) => {
    if (kind === Kind.RESULT) answers.add(call);
    wake();
  };
  let call = 1;
  for (const story of stories) {
    for (const at of places(join(story(call)), stride)) {
      const bytes = join([...story(call), ping(PING_FROM + call, "whole")]);
      target.send(bytes.subarray(0, at));
      // So that the worker reads them apart.
      await new Promise((resolve) => setImmediate(resolve));
      target.send(bytes.subarray(at));
      call += 2;
    }
    const last = pingId(PING_FROM + call - 2);
    const answered = new Promise<void>((resolve) => {
      wake = () => answers.has(last) && resolve();
      wake();
    });
    if ((await orLate(answered, PATIENCE_MS)) === "late") {
      violations.add("worker: pieces of right frames are not what whole ones are");
      break;
    }
  }
  target.drop();
  return call >> 1;
}

/** Broken hellos to a worker that another host then uses. */
async function knocks(farm: Farm, random: Random, count: number, violations: Violations): Promise<void> {
  const { path, exited } = farm.start();
  (await reach(path)).destroy();
  // With a wrong token none of them can come in by accident.
  const wrong = dataHello(path);
  for (let at = wrong.length - 1; at > 20; at--) if (wrong[at] === 0) wrong[at] = 1;
  await many(count, 8, Number.POSITIVE_INFINITY, async () => {
    const socket = connect(path);
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    socket.end(mutate([wrong], random));
    if ((await orLate(closed, PATIENCE_MS)) === "late") violations.add("worker: a broken hello is not turned away");
    socket.destroy();
  });
  const data = await reach(path);
  data.write(dataHello(path));
  const lifeline = await reach(path);
  lifeline.write(lifelineHello(path));
  const first = await orLate(once(data, "data"), PATIENCE_MS);
  violations.check(first !== "late", "worker: the right host does not come in after broken hellos");
  violations.check(fault(farm.said(path)) === "", "worker: a fault of its own by broken hellos", () => fault(farm.said(path)));
  data.destroy();
  lifeline.destroy();
  await orLate(exited, PATIENCE_MS);
}

/** Broken frames against the worker. */
export const framesWorker: Scenario = {
  title: "broken frames neither crash, hang nor fill a worker",
  share: 7,
  async run(chaos: Chaos) {
    const count = chaos.quick ? 300 : 50_000;
    const violations = new Violations();
    const growth: number[] = [];
    const farm = new Farm();
    if (chaos.replay !== undefined) {
      const bytes = complete(Uint8Array.from(Buffer.from(chaos.replay, "hex")));
      await feed(farm, [{ seed: 0, bytes }], violations, growth);
      await farm.close();
      return { figures: { replayed: bytes.length }, violations: violations.list, gaps: [] };
    }
    await knocks(farm, chaos.random.fork(), chaos.quick ? 200 : 2_000, violations);
    const inPieces = await pieces(farm, chaos.quick ? 7 : 1, violations);
    const cut = await cuts(farm, chaos.quick ? 60 : 1, performance.now() + (chaos.until - performance.now()) / 2, violations);
    chaos.progress(`cut ${cut.done} times`);
    let next = 0;
    let broken = 0;
    const lane = async (): Promise<void> => {
      let cases: Case[] = [];
      while ((next < count || cases.length > 0) && performance.now() < chaos.until) {
        while (cases.length < STORIES_A_WORKER && next < count) {
          cases.push(caseOf((chaos.seed + next) >>> 0, chaos.from, 1 + next * 2));
          next++;
        }
        const had = await feed(farm, cases, violations, growth);
        cases = cases.slice(had);
        const before = broken;
        broken += had;
        if (Math.floor(broken / 10_000) > Math.floor(before / 10_000)) chaos.progress(`${broken} broken stories`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await farm.close();
    const most = growth.reduce((a, b) => Math.max(a, b), 0);
    violations.check(most <= MEMORY_BYTES, "worker: its memory grew", () => `${most} bytes, over ${MEMORY_BYTES}`);
    return {
      figures: {
        broken,
        cut: cut.done,
        inPieces,
        workers: farm.made,
        mostGrownBytes: most,
        allowedBytes: MEMORY_BYTES,
        seeds: `${chaos.seed} to ${chaos.seed + count - 1}`,
      },
      violations: violations.list,
      gaps: [
        ...(broken < count ? [`only ${broken} of ${count} broken stories fitted into the time`] : []),
        ...(cut.done < cut.of && !chaos.quick ? [`only ${cut.done} of ${cut.of} cuts fitted into the time`] : []),
      ],
    };
  },
};
