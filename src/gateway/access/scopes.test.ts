import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { AdminService } from "../../gen/snakepit/v1/admin_pb.ts";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import { glob } from "./glob.ts";
import { addressKey, Buckets } from "./limits.ts";
import type { Action } from "./principal.ts";
import { grant, isScope, scopeForms } from "./scopes.ts";

const tool = (name: string, pool = "main"): Action => ({ kind: "tool", tool: name, pool });
const session = (write: boolean, foreign: boolean): Action => ({ kind: "session", session: "s", write, foreign });
const admin = (write: boolean): Action => ({ kind: "admin", write });

test.each<[string, Action[], Action[]]>([
  ["tool:add", [tool("add"), tool("add", "gpu")], [tool("adds"), tool("Add"), session(false, false), admin(false)]],
  ["tool:Model.*", [tool("Model.predict")], [tool("Model"), tool("Models.predict")]],
  ["tool:gpu/*", [tool("anything", "gpu")], [tool("anything"), tool("anything", "gpu2")]],
  ["session:own:read", [session(false, false)], [session(true, false), session(false, true), tool("add"), admin(false)]],
  ["session:own:write", [session(false, false), session(true, false)], [session(false, true), session(true, true)]],
  ["session:all:read", [session(false, false), session(false, true)], [session(true, false), session(true, true)]],
  ["session:all:write", [session(false, false), session(true, true)], [tool("add"), admin(false)]],
  ["metrics", [{ kind: "metrics" }], [admin(false), tool("add")]],
  ["admin:read", [admin(false), { kind: "metrics" }], [admin(true), session(false, true), tool("add")]],
  ["admin:write", [admin(false), admin(true), { kind: "metrics" }], [session(false, true), tool("add")]],
  ["tracebacks", [], [tool("add"), admin(false), session(false, false), { kind: "metrics" }]],
  ["*", [tool("add"), session(true, true), admin(true), { kind: "metrics" }], []],
])("%s allows what it says and no more", (scope, allowed, refused) => {
  const { may, tracebacks } = grant([scope]);
  for (const action of allowed) expect(may(action)).toBeTrue();
  for (const action of refused) expect(may(action)).toBeFalse();
  expect(tracebacks).toBe(scope === "*" || scope === "tracebacks");
});

test("text that is no scope allows nothing", () => {
  const all: Action[] = [tool("add"), session(false, false), admin(false), { kind: "metrics" }];
  for (const text of [
    "",
    "tool",
    "tool:",
    "tool:/x",
    "tool:main/",
    "session",
    "session:own",
    "session:*",
    "admin",
    "admin:*",
    "Tool:*",
    " *",
    "**",
    "openid",
  ]) {
    expect(isScope(text)).toBeFalse();
    for (const action of all) expect(grant([text]).may(action)).toBeFalse();
  }
});

test("a pattern fits what a regular expression of it fits", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "."), maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, (pattern, name) => {
      const same = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
      expect(glob(pattern)(name)).toBe(same.test(name));
    }),
    { numRuns: 2_000 },
  );
});

test("a bucket lets through its burst and then its rate, whatever the steps of the clock", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.integer({ min: -20, max: 200 }), { maxLength: 200 }), (perSecond, steps) => {
      let now = 0;
      let latest = 0;
      const buckets = new Buckets(() => now);
      let taken = 0;
      for (const step of steps) {
        now += step;
        latest += Math.max(0, step);
        const waitMs = buckets.take("one", { perSecond, burst: perSecond });
        if (waitMs === 0) taken++;
        else expect(waitMs).toBeGreaterThan(0);
      }
      expect(taken).toBeLessThanOrEqual(perSecond + (latest * perSecond) / 1_000 + 1e-6);
    }),
  );
});

test("after the time that it says, a bucket has one", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1_000, noNaN: true }), (perSecond) => {
      let now = 0;
      const buckets = new Buckets(() => now);
      const rate = { perSecond, burst: Math.max(1, perSecond) };
      while (buckets.take("one", rate) === 0);
      now += buckets.take("one", rate);
      expect(buckets.take("one", rate)).toBe(0);
    }),
  );
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  [undefined, "unknown"],
])("the address %p counts as %p", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test("docs/security.md names every scope, and every RPC with what it needs", () => {
  const text = readFileSync(new URL("../../../docs/security.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  for (const scope of scopeForms.matchAll(/"([\w:*]+)"/g)) expect(rows.some((row) => row.includes(`\`${scope[1]}\``))).toBeTrue();
  const named = rows.flatMap((row) => row.split("|")[1]?.split(",") ?? []).map((name) => name.trim());
  for (const { methods } of [GatewayService, AdminService]) for (const { name } of methods) expect(named).toContain(name);
});
