import { expect, test } from "bun:test";
import type { PitEvent } from "./event.ts";
import { type Said, Telemetry } from "./telemetry.ts";
import { isTraceparent, parseTraceparent, traceparentOf } from "./traceparent.ts";

const said = (worker: string): Said => ({ type: "worker.idle", pool: "p", worker });
const workers = (events: readonly PitEvent[]): unknown[] => events.map((event) => "worker" in event && event.worker);

test("it is active while somebody listens, and each listener goes by itself", async () => {
  const telemetry = new Telemetry();
  const heard: PitEvent[] = [];
  const listener = (event: PitEvent): unknown => heard.push(event);
  telemetry.say(said("nobody"));
  const [first, second] = [telemetry.listen(listener), telemetry.listen(listener)];
  telemetry.say(said("both"));
  await null;
  first();
  first();
  telemetry.say(said("one"));
  await null;
  expect([telemetry.active, workers(heard)]).toEqual([true, ["both", "both", "one"]]);
  second();
  expect(telemetry.active).toBe(false);
});

test("what a listener causes comes after what it hears, in the order in which it happened", async () => {
  const telemetry = new Telemetry();
  const heard: PitEvent[] = [];
  telemetry.listen((event) => {
    heard.push(event);
    if (heard.length === 1) telemetry.say(said("caused"));
  });
  telemetry.say(said("a"));
  expect(heard).toEqual([]);
  telemetry.say(said("b"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(workers(heard)).toEqual(["a", "b", "caused"]);
});

test("what waits is told when it closes, and readers come to their end", async () => {
  const telemetry = new Telemetry();
  const read = telemetry.events();
  telemetry.say(said("last"));
  telemetry.close();
  const heard: PitEvent[] = [];
  for await (const event of read) heard.push(event);
  expect(workers(heard)).toEqual(["last"]);
  expect(await telemetry.events().next()).toEqual({ value: undefined, done: true });
});

test("a trace context is read and written as W3C has it", () => {
  const text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const context = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true };
  expect(parseTraceparent(text)).toEqual(context);
  expect(traceparentOf(context)).toBe(text);
  expect(parseTraceparent(text.replace(/01$/, "02"))?.sampled).toBe(false);
  expect(traceparentOf({ ...context, traceId: "ab", sampled: false })).toBe(`00-${"ab".padStart(32, "0")}-b7ad6b7169203331-00`);
  for (const none of ["", "x", `${text}-`, text.replace("00-0", "01-0"), text.replace(/b7ad6b7169203331/, "0".repeat(16))])
    expect(isTraceparent(none)).toBe(false);
  expect(traceparentOf({ ...context, spanId: "no" })).toBe("");
});
