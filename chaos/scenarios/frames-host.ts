/** Broken frames against the host. */
import { setImmediate as turn } from "node:timers/promises";
import { Kind } from "../../src/carrier/frame.ts";
import { body, openPeer, type Pair, startCall } from "../../src/carrier/testing-peer.ts";
import { ExecuteToolResponseSchema } from "../../src/gen/snakepit/v1/worker_pb.ts";
import { HostTarget } from "../frames/host-target.ts";
import { complete, mutate } from "../frames/mutate.ts";
import { join, places } from "../frames/stories.ts";
import { settledMemory } from "../memory.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { orLate } from "../support.ts";

/** Between two looks at the clock, and at what other turns have brought. */
const BATCH = 200;
/** What the garbage collector may leave lying about between two looks. What each connection keeps is gone with it. */
const MEMORY_BYTES = 64 << 20;
const PATIENCE_MS = 10_000;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").slice(0, 4_000);

/** Looks at a host that has heard something. */
function examine(target: HostTarget, what: () => string, violations: Violations): void {
  if (target.open) {
    try {
      const got = target.probe();
      violations.check(got === "probe" || !target.open, "host: a right answer after broken frames is not taken", what);
    } catch (error) {
      violations.add("host: a call after broken frames fails", `${String(error)} ${what()}`);
    }
  }
  target.hangUp();
  violations.check(target.closings === 1, "host: a connection closes once", () => `${target.closings} times ${what()}`);
  const tag = target.closed?.reason._tag;
  violations.check(
    tag === "ProtocolError" || tag === "ConnectionLost",
    "host: a connection closes with another error",
    () => `${tag} ${what()}`,
  );
  const { unsettled } = target;
  violations.check(unsettled.length === 0, "host: a call did not end once", () => `${unsettled.join(", ")} ${what()}`);
}

function hear(target: HostTarget, bytes: Uint8Array, at: number | undefined, what: () => string, violations: Violations): void {
  try {
    target.hear(bytes, at);
  } catch (error) {
    violations.add("host: reading throws", `${error instanceof Error ? error.stack : String(error)} ${what()}`);
  }
}

/** A connection over a real socket that answers what is asked; it must not notice anything. */
async function neighbour(isOver: () => boolean, violations: Violations): Promise<number> {
  await using pair = await openPeer();
  const answering = answer(pair);
  let calls = 0;
  while (!isOver()) {
    const call = startCall(pair.connection, "echo", { value: calls });
    const value = await orLate(call.outcome, PATIENCE_MS);
    violations.check(value === "right", "host: another connection was touched", () => String(value));
    if (value === "late") break;
    calls++;
    await turn();
  }
  void answering;
  return calls;
}

async function answer({ peer }: Pair): Promise<void> {
  const right = body(ExecuteToolResponseSchema, { result: Uint8Array.of(0xa5, ...Buffer.from("right")) });
  for (;;) {
    const frame = await peer.frames.take();
    if (frame.kind === Kind.EXECUTE) peer.send({ kind: Kind.RESULT, call: frame.call, body: right });
  }
}

/** Broken frames over real sockets, a connection each. */
async function overSockets(count: number, chaos: Chaos, violations: Violations): Promise<void> {
  for (let n = 0; n < count; n++) {
    const random = chaos.from((chaos.seed + n) >>> 0);
    await using pair = await openPeer();
    const calls = [startCall(pair.connection, "echo", {}), startCall(pair.connection, "count", {}, true)];
    const { answers } = new HostTarget(false);
    const bytes = complete(mutate(answers, random));
    pair.peer.socket.write(bytes);
    pair.peer.socket.end();
    const closing = await orLate(pair.closing, PATIENCE_MS);
    if (closing === "late") violations.add("host: a socket's end is not heard", hex(bytes));
    else {
      for (const call of calls) {
        const ends = call.ends + closing.failed.filter((other) => other === call).length;
        violations.check(ends === 1, "host: a call over a socket did not end once", () => `${ends} times ${hex(bytes)}`);
      }
    }
  }
}

export const framesHost: Scenario = {
  title: "broken frames neither crash, hang nor fill the host, nor touch its other connections",
  share: 3,
  async run(chaos) {
    const count = chaos.quick ? 3_000 : 50_000;
    const violations = new Violations();
    let over = false;
    const beside = neighbour(() => over, violations);

    if (chaos.replay !== undefined) {
      const bytes = complete(Uint8Array.from(Buffer.from(chaos.replay, "hex")));
      const target = new HostTarget(true);
      hear(target, bytes, undefined, () => "", violations);
      examine(target, () => "", violations);
      over = true;
      await beside;
      return { figures: { replayed: bytes.length, reason: target.closed?.reason.message }, violations: violations.list, gaps: [] };
    }

    // Every right answer in two pieces, and cut short, at every byte.
    const right = join(new HostTarget(true).answers);
    const cuts = places(right, chaos.quick ? 13 : 1);
    for (const [n, at] of cuts.entries()) {
      const what = (): string => `cut at ${at}`;
      const whole = new HostTarget(true);
      hear(whole, join(whole.answers), at, what, violations);
      violations.check(
        whole.open && whole.calls.every((call) => call.ends === 1),
        "host: pieces of right frames are not what whole ones are",
        () => `${whole.closed?.reason.message ?? whole.unsettled.join(", ")} ${what()}`,
      );
      const short = new HostTarget(true);
      hear(short, join(short.answers).subarray(0, at), undefined, what, violations);
      violations.check(short.open, "host: a connection closed before its end", what);
      short.hangUp();
      violations.check(short.unsettled.length === 0, "host: a call did not end once", () => `${short.unsettled.join(", ")} ${what()}`);
      if (n % BATCH === 0) await turn();
    }
    chaos.progress(`cut ${cuts.length} times`);
    await overSockets(chaos.quick ? 50 : 1_000, chaos, violations);

    // Compilers work and heaps grow at first, in proportion to nothing.
    const warm = Math.floor(count / 3 / BATCH) * BATCH;
    let before = 0;
    let broken = 0;
    let closedByHost = 0;
    for (; broken < count && performance.now() < chaos.until; broken++) {
      const seed = (chaos.seed + broken) >>> 0;
      const random = chaos.from(seed);
      // Long answers cost far more than they find.
      const target = new HostTarget(random.chance(0.05));
      const bytes = complete(mutate(target.answers, random));
      const what = (): string => `seed ${seed}, ${hex(bytes)}`;
      hear(target, bytes, random.chance(0.5) ? random.whole(bytes.length) : undefined, what, violations);
      if (!target.open) closedByHost++;
      examine(target, what, violations);
      if (broken % BATCH === 0) {
        await turn();
        if (broken === warm) before = await settledMemory();
      }
      if (broken % 10_000 === 9_999) chaos.progress(`${broken + 1} broken answers`);
    }
    const grown = (await settledMemory()) - before;
    violations.check(grown <= MEMORY_BYTES, "host: its memory grew", () => `${grown} bytes, over ${MEMORY_BYTES}`);
    over = true;
    const calls = await beside;
    return {
      figures: {
        broken,
        closedByHost,
        cut: cuts.length,
        neighbourCalls: calls,
        grownBytes: grown,
        allowedBytes: MEMORY_BYTES,
        seeds: `${chaos.seed} to ${chaos.seed + count - 1}`,
      },
      violations: violations.list,
      gaps: broken < count ? [`only ${broken} of ${count} broken answers fitted into the time`] : [],
    };
  },
};
