import { afterAll, beforeAll, expect, test } from "bun:test";
import { Code, type ConnectError } from "@connectrpc/connect";
import { fromConnectError } from "../src/errors/wire.ts";
import type { Action } from "../src/gateway/access/principal.ts";
import { fromJsonValue, packValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { ValueForm, type VariableState } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { VariableChange_Kind } from "../src/gen/snakepit/v1/session_pb.ts";
import { Snakepit, sqlite } from "../src/index.ts";
import { decode } from "../src/value/index.ts";
import { clientOf, refused, somebody } from "./gateway.rpc.support.ts";
import { temporaryFolder, toolFile, until } from "./pool.support.ts";

const ownOnly = (action: Action): boolean => action.kind !== "admin" && !(action.kind === "session" && action.foreign === true);
const alice = somebody("alice", { may: ownOnly });
const bob = somebody("bob", { may: ownOnly });
const tag = (error: ConnectError): string | undefined => fromConnectError(error)?._tag;

let pit: Snakepit;
beforeAll(async () => {
  pit = await Snakepit.open({ tools: toolFile("api"), workers: 1 });
});
afterAll(() => pit.close());

test("a session is made once, and answers what is known about it", async () => {
  const client = clientOf(pit, alice);
  const first = await client.openSession({ sessionId: "made-once", ttlMs: 60_000n, metadata: { why: "test" } });
  const second = await client.openSession({ sessionId: "made-once" });
  expect([first.created, second.created]).toEqual([true, false]);
  const { session } = await client.getSession({ sessionId: "made-once" });
  expect(session).toMatchObject({ id: "made-once", ttlMs: 60_000n, metadata: { why: "test" }, variables: 0 });
  expect(await client.endSession({ sessionId: "made-once" })).toMatchObject({ ended: true });
  expect(await client.endSession({ sessionId: "made-once" })).toMatchObject({ ended: false });
  expect(tag(await refused(client.getSession({ sessionId: "made-once" })))).toBe("SessionNotFound");
});

test("a session without an id gets one, and a use does not make one", async () => {
  const client = clientOf(pit, alice);
  const { session, created } = await client.openSession({});
  expect(created).toBe(true);
  expect((await client.getSession({ sessionId: session?.id ?? "" })).session?.id).toBe(session?.id);
  expect(tag(await refused(client.listVariables({ sessionId: "never-made" })))).toBe("SessionNotFound");
  expect((await pit.sessions()).some(({ id }) => id === "never-made")).toBe(false);
});

test("another's session answers as if there were none, to every question", async () => {
  await clientOf(pit, alice).openSession({ sessionId: "alice's" });
  const before = (await pit.sessions()).find(({ id }) => id === "alice's");
  const client = clientOf(pit, bob);
  const sessionId = "alice's";
  const questions = [
    client.openSession({ sessionId, metadata: { mine: "now" } }),
    client.getSession({ sessionId }),
    client.registerVariable({ sessionId, name: "a", type: "json", value: toJsonValue(1) }),
    client.getVariables({ sessionId, names: ["a"] }),
    client.setVariables({ sessionId, assignments: [{ name: "a", value: toJsonValue(1) }] }),
    client.listVariables({ sessionId }),
    client.deleteVariable({ sessionId, name: "a" }),
    client.watchVariables({ sessionId })[Symbol.asyncIterator]().next(),
    client.executeTool({ tool: "add", args: toJsonValue({ a: 1 }), sessionId }),
    client
      .executeToolStream({ tool: "countdown", args: toJsonValue({ start: 1 }), sessionId })
      [Symbol.asyncIterator]()
      .next(),
  ];
  for (const question of questions) expect(tag(await refused(question))).toBe("SessionNotFound");
  expect(await client.endSession({ sessionId })).toMatchObject({ ended: false });
  expect((await client.listSessions({})).sessions.map(({ id }) => id)).not.toContain(sessionId);
  // Nothing was changed, and asking was no use.
  expect((await pit.sessions()).find(({ id }) => id === sessionId)).toEqual(before);
});

test("whoever may use the sessions of others does, without their becoming its own", async () => {
  await clientOf(pit, alice).openSession({ sessionId: "shared" });
  const operator = clientOf(pit, somebody("operator"));
  await operator.openSession({ sessionId: "shared", metadata: { seen: "yes" } });
  const { session } = await clientOf(pit, alice).getSession({ sessionId: "shared" });
  expect(session?.metadata).toEqual({ seen: "yes" });
  const { sessions } = await operator.listSessions({});
  expect(sessions.map(({ id }) => id)).toContain("shared");
});

test("a session of the program itself is nobody's, and the key of the owner cannot be given", async () => {
  await using own = await pit.session("the program's");
  expect(tag(await refused(clientOf(pit, alice).getSession({ sessionId: own.id })))).toBe("SessionNotFound");
  const taking = clientOf(pit, alice).openSession({ sessionId: "mine", metadata: { "snakepit.owner": "bob" } });
  expect(tag(await refused(taking))).toBe("InvalidOptions");
});

test("what may not be done with sessions is refused, whether there is one or not", async () => {
  const reader = clientOf(pit, somebody("reader", { may: (action) => action.kind === "session" && !action.write }));
  expect((await refused(reader.openSession({ sessionId: "r" }))).code).toBe(Code.PermissionDenied);
  expect((await refused(reader.endSession({ sessionId: "r" }))).code).toBe(Code.PermissionDenied);
  const nothing = clientOf(pit, somebody("nothing", { may: () => false }));
  expect((await refused(nothing.listSessions({}))).code).toBe(Code.PermissionDenied);
  expect((await refused(nothing.getSession({ sessionId: "r" }))).code).toBe(Code.PermissionDenied);
});

test("a principal has as many sessions as it may, and room for one more when one is over", async () => {
  const file = `${temporaryFolder("gateway-quota-")}/sessions.db`;
  const limits = { sessions: 3 };
  const most = Array.from({ length: 5 }, (_, at) => `s${at}`);
  {
    await using first = await Snakepit.open({ store: sqlite({ file }) });
    const client = clientOf(first, alice, limits);
    // At once, so that none of them knows of the others.
    const made = await Promise.all(most.map((sessionId) => client.openSession({ sessionId }).catch((error) => tag(error))));
    expect(made.filter((one) => one === "QuotaExceeded")).toHaveLength(2);
    const error = await refused(client.openSession({}));
    expect([error.code, fromConnectError(error)]).toMatchObject([Code.ResourceExhausted, { quota: "limits.sessions", limit: 3 }]);
    const [there] = (await client.listSessions({})).sessions;
    const sessionId = there?.id ?? "";
    expect((await client.openSession({ sessionId })).created).toBe(false);
    await clientOf(first, bob, limits).openSession({ sessionId: "bob's" });
    await client.endSession({ sessionId });
    expect((await client.openSession({ sessionId: "another", ttlMs: 300n })).created).toBe(true);
    await until(async () => (await client.listSessions({})).sessions.length === 2);
    // What is past its time takes no place either.
    await until(async () => (await client.openSession({ sessionId: "last" }).catch(() => undefined)) !== undefined);
  }
  await using second = await Snakepit.open({ store: sqlite({ file }) });
  expect(tag(await refused(clientOf(second, alice, limits).openSession({})))).toBe("QuotaExceeded");
});

test("the metadata of a session does not grow without end", async () => {
  const client = clientOf(pit, alice);
  const sessionId = "wordy";
  for (let at = 0; at < 6; at++) await client.openSession({ sessionId, metadata: { [`part${at}`]: "x".repeat(10_000) } });
  const error = await refused(client.openSession({ sessionId, metadata: { more: "x".repeat(10_000) } }));
  expect(fromConnectError(error)).toMatchObject({ _tag: "QuotaExceeded", quota: "metadata", limit: 65_536 });
  expect(tag(await refused(client.openSession({ metadata: { more: "x".repeat(70_000) } })))).toBe("QuotaExceeded");
  await client.openSession({ sessionId, metadata: { part0: "" } });
  expect((await client.openSession({ sessionId, metadata: { more: "x".repeat(10_000) } })).session?.metadata["part0"]).toBe("");
});

test("Python and callers do not learn whose a session is", async () => {
  await using pit = await Snakepit.open({ tools: toolFile("session"), workers: 1 });
  const client = clientOf(pit, alice);
  await client.openSession({ sessionId: "whose", metadata: { why: "test" } });
  const { result } = await client.executeTool({ tool: "who", sessionId: "whose" });
  expect(result && fromJsonValue(result)).toEqual(["whose", { why: "test" }, expect.any(Number)]);
  expect((await client.getSession({ sessionId: "whose" })).session?.metadata).toEqual({ why: "test" });
  expect((await pit.sessions()).find(({ id }) => id === "whose")?.metadata).toEqual({ why: "test", "snakepit.owner": "alice" });
});

test("a session stays its owner's when the program starts anew", async () => {
  const file = `${temporaryFolder("gateway-sessions-")}/sessions.db`;
  {
    await using first = await Snakepit.open({ store: sqlite({ file }) });
    await clientOf(first, alice).openSession({ sessionId: "kept" });
  }
  await using second = await Snakepit.open({ store: sqlite({ file }) });
  expect((await clientOf(second, alice).getSession({ sessionId: "kept" })).session?.id).toBe("kept");
  expect(tag(await refused(clientOf(second, bob).getSession({ sessionId: "kept" })))).toBe("SessionNotFound");
});

test("a session that the program has ended and made again is found", async () => {
  const operator = clientOf(pit, somebody("operator"));
  await operator.openSession({ sessionId: "again" });
  await (await pit.session("again")).end();
  await using again = await pit.session("again");
  await again.variables.register("x", { type: "integer", value: 7 });
  const { variables } = await operator.listVariables({ sessionId: "again" });
  expect(variables.map(({ name }) => name)).toEqual(["x"]);
});

const plain = ({ value, valueMsgpack }: VariableState): unknown =>
  valueMsgpack === undefined ? value && fromJsonValue(value) : decode(valueMsgpack);

test("variables are made, read, changed and removed in either form", async () => {
  const client = clientOf(pit, alice);
  const { session } = await client.openSession({});
  const sessionId = session?.id ?? "";
  const constraints = { min: 0, max: 2 };
  const made = await client.registerVariable({ sessionId, name: "t", type: "float", value: toJsonValue(0.7), constraints });
  expect(made.variable).toMatchObject({ name: "t", type: "float", version: 0n, constraints });
  expect(made.variable && plain(made.variable)).toBe(0.7);
  await client.registerVariable({ sessionId, name: "b", type: "bytes", valueMsgpack: packValue(new Uint8Array([1, 2])).msgpack });

  const read = await client.getVariables({ sessionId, names: ["b", "t", "none"] });
  expect(read.variables.map(plain)).toEqual(["AQI=", 0.7]);
  expect(read.missing).toEqual(["none"]);
  const packed = await client.listVariables({ sessionId, form: ValueForm.MSGPACK });
  expect(packed.variables.map(plain)).toEqual([0.7, new Uint8Array([1, 2])]);

  const set = await client.setVariables({
    sessionId,
    assignments: [{ name: "t", value: toJsonValue(1), expectedVersion: 0n, metadata: { by: "me" } }],
  });
  expect(set.versions).toEqual({ t: 1n });
  expect(await client.deleteVariable({ sessionId, name: "b" })).toMatchObject({ deleted: true });
  expect(await client.deleteVariable({ sessionId, name: "b" })).toMatchObject({ deleted: false });
});

test("one change fails with its own error, a batch with all of them, and a partial one tells each", async () => {
  const client = clientOf(pit, alice);
  const { session } = await client.openSession({});
  const sessionId = session?.id ?? "";
  await client.registerVariable({ sessionId, name: "n", type: "integer", value: toJsonValue(1), constraints: { max: 5 } });
  const good = { name: "n", value: toJsonValue(2) };
  const bad = { name: "none", value: toJsonValue(2) };
  const late = fromConnectError(await refused(client.setVariables({ sessionId, assignments: [{ ...good, expectedVersion: 3n }] })));
  expect(late).toMatchObject({ _tag: "VersionConflict", expected: 3, actual: 0 });
  expect(tag(await refused(client.setVariables({ sessionId, assignments: [{ name: "n", value: toJsonValue(9) }] })))).toBe(
    "VariableInvalid",
  );
  expect(tag(await refused(client.setVariables({ sessionId, assignments: [good, bad] })))).toBe("BatchFailed");
  const partly = await client.setVariables({ sessionId, assignments: [good, bad], partial: true });
  expect(partly.versions).toEqual({ n: 1n });
  expect(partly.errors["none"]?.tag).toBe("VariableNotFound");
});

test("a watch says that it stands, then gives the values, every change, and the end", async () => {
  const client = clientOf(pit, alice);
  const { session } = await client.openSession({});
  const sessionId = session?.id ?? "";
  const { variable } = await client.registerVariable({ sessionId, name: "w", type: "integer", value: toJsonValue(1) });
  const watch = client.watchVariables({ sessionId })[Symbol.asyncIterator]();
  const next = async () => (await watch.next()).value;
  expect((await next())?.kind).toBe(VariableChange_Kind.UNSPECIFIED);
  expect((await next())?.variable && true).toBe(true);
  await client.setVariables({ sessionId, assignments: [{ name: "w", value: toJsonValue(2) }] });
  const change = await next();
  expect(change).toMatchObject({ kind: VariableChange_Kind.SET, coalesced: 0n });
  expect(change?.variable && plain(change.variable)).toBe(2);
  await client.endSession({ sessionId });
  expect((await next())?.kind).toBe(VariableChange_Kind.ENDED);
  expect((await watch.next()).done).toBe(true);
  expect(variable?.id).toBe(change?.variable?.id);
});

test("a watch that goes on from what was seen gives what was missed, and how much", async () => {
  const client = clientOf(pit, alice);
  const { session } = await client.openSession({});
  const sessionId = session?.id ?? "";
  const { variable } = await client.registerVariable({ sessionId, name: "w", type: "integer", value: toJsonValue(0) });
  for (let value = 1; value <= 3; value++)
    await client.setVariables({ sessionId, assignments: [{ name: "w", value: toJsonValue(value) }] });
  const again = client.watchVariables({ sessionId, seen: { [variable?.id ?? ""]: 0n } })[Symbol.asyncIterator]();
  await again.next();
  const { value: missed } = await again.next();
  expect(missed).toMatchObject({ coalesced: 2n });
  expect(missed?.variable?.version).toBe(3n);
  await again.return?.();
});
