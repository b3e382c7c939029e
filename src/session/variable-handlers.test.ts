import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Client, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { Context } from "effect";
import { type Bench, bench } from "../../test/session.support.ts";
import { fromConnectError, toConnectError } from "../errors/wire.ts";
import { HostService } from "../gen/snakepit/v1/host_pb.ts";
import { Source_Side, VariableChange_Kind } from "../gen/snakepit/v1/session_pb.ts";
import type { Session } from "./session.ts";
import { variableHandlers } from "./variable-handlers.ts";
import { encodeValue, keptValue } from "./variable-value.ts";

let open: Bench;
let session: Session;
/** What a worker calls; errors travel as the carriers let them. */
let host: Client<typeof HostService>;

beforeEach(async () => {
  open = await bench();
  session = await open.session("s");
  const handlers = variableHandlers(open.manager, "w-1", Context.empty());
  const carried = async (next: () => Promise<never>): Promise<never> => {
    try {
      return await next();
    } catch (error) {
      throw toConnectError(error);
    }
  };
  const transport = createRouterTransport((router) => router.service(HostService, handlers), {
    router: { interceptors: [(next) => (request) => carried(() => next(request) as Promise<never>)] },
  });
  host = createClient(HostService, transport);
});
afterEach(() => open[Symbol.asyncDispose]());

const variable = (name: string, type: string, value: unknown, constraintsJson = "") => ({
  sessionId: "s",
  variable: { name, type, value: encodeValue(value), constraintsJson },
});

async function failure(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof ConnectError ? fromConnectError(error) : error;
}

test("what Python makes is there for TypeScript, with Python as its source", async () => {
  const made = await host.registerVariable(variable("t", "float", 1, '{"max":2}'));
  // A whole float is a float on the wire, or Python would read an int.
  expect(made.variable?.value[0]).toBe(0xcb);
  expect(made.variable).toMatchObject({ name: "t", version: 0n, source: { side: Source_Side.PYTHON, workerId: "w-1" } });
  expect(await session.variables.entry("t")).toMatchObject({
    id: made.variable?.id ?? "",
    value: 1,
    constraints: { max: 2 },
    source: { side: "python", worker: "w-1" },
  });
  expect(await failure(host.registerVariable(variable("t", "float", 1)))).toMatchObject({ _tag: "VariableExists" });
  const again = await host.registerVariable({ ...variable("t", "float", 2), ifNotExists: true });
  expect(keptValue(again.variable?.value ?? null)).toBe(1);
});

test("what TypeScript makes is there for Python, and a bad write changes nothing", async () => {
  const { id } = await session.variables.register("n", { type: "integer", value: 10, constraints: { max: 100 } });
  const { variables, missing } = await host.getVariables({ sessionId: "s", names: ["n", "nope", id] });
  expect(variables.map((each) => keptValue(each.value))).toEqual([10, 10]);
  expect(missing).toEqual(["nope"]);
  const update = (value: unknown, expectedVersion?: bigint) => ({
    sessionId: "s",
    atomic: false,
    updates: [{ name: "n", value: encodeValue(value), ...(expectedVersion === undefined ? {} : { expectedVersion }) }],
  });
  const refused = await host.setVariables(update(150));
  expect(refused.errors).toMatchObject({ n: { tag: "VariableInvalid", fields: { constraint: "max" } } });
  expect((await host.setVariables(update(20, 7n))).errors).toMatchObject({ n: { tag: "VersionConflict" } });
  expect((await host.setVariables(update(20, 0n))).versions).toEqual({ n: 1n });
  expect(await session.variables.entry("n")).toMatchObject({ value: 20, version: 1, source: { side: "python", worker: "w-1" } });
});

test("an atomic batch that fails says why, by name", async () => {
  await session.variables.register("n", { type: "integer", value: 1 });
  const updates = [
    { name: "n", value: encodeValue(2) },
    { name: "m", value: encodeValue(2) },
  ];
  expect(await failure(host.setVariables({ sessionId: "s", atomic: true, updates }))).toMatchObject({
    _tag: "BatchFailed",
    errors: { m: 'There is no variable "m".' },
  });
  expect(await session.variables.get("n")).toBe(1);
});

test("variables are listed and deleted", async () => {
  for (const name of ["b", "a"]) await session.variables.register(name, { type: "boolean", value: true });
  expect((await host.listVariables({ sessionId: "s" })).variables.map(({ name }) => name)).toEqual(["b", "a"]);
  expect((await host.deleteVariable({ sessionId: "s", name: "b" })).deleted).toBe(true);
  expect((await host.deleteVariable({ sessionId: "s", name: "b" })).deleted).toBe(false);
});

test("a watch carries values, changes and the end", async () => {
  await session.variables.register("n", { type: "integer", value: 1 });
  const { SET, DELETED, ENDED } = VariableChange_Kind;
  const seen: string[] = [];
  for await (const { changes } of host.watchVariables({ sessionId: "s" })) {
    for (const { kind, variable: after } of changes) seen.push(`${kind} ${after?.version}`);
    if (seen.length === 1) {
      await session.variables.set("n", 2);
      await session.variables.delete("n");
      await session.end();
    }
  }
  expect(seen).toEqual([`${SET} 0`, `${SET} 1`, `${DELETED} 1`, `${ENDED} undefined`]);
});

test("a session that is not there, and values that are none, are errors of the family", async () => {
  expect(await failure(host.listVariables({ sessionId: "nope" }))).toMatchObject({ _tag: "SessionNotFound", session: "nope" });
  expect(await failure(host.registerVariable(variable("", "float", 1)))).toMatchObject({ _tag: "InvalidOptions", option: "name" });
  expect(await failure(host.registerVariable(variable("v", "float", 1, "[1]")))).toMatchObject({ _tag: "InvalidOptions" });
  const broken = { sessionId: "s", variable: { name: "v", type: "json", value: Uint8Array.of(0xc1) } };
  expect(await failure(host.registerVariable(broken))).toMatchObject({ _tag: "ProtocolError" });
});
