import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { isSnakepitError } from "../src/errors/index.ts";
import { Store } from "../src/session/service.ts";
import type { Session } from "../src/session/session.ts";
import { bench } from "./session.support.ts";

/** The simple truth about a session: what each variable is, and what a watcher of it has to see. */
class Model {
  readonly variables = new Map<string, { value: number; version: number }>();
  readonly seen: string[] = [];

  register(name: string, value: number): string {
    if (this.variables.has(name)) return "VariableExists";
    if (value > MAX) return "VariableInvalid";
    this.variables.set(name, { value, version: 0 });
    this.#see("set", name);
    return "ok";
  }

  set(name: string, value: number, expected?: number): string {
    const variable = this.variables.get(name);
    if (variable === undefined) return "VariableNotFound";
    if (expected !== undefined && expected !== variable.version) return "VersionConflict";
    if (value > MAX) return "VariableInvalid";
    this.variables.set(name, { value, version: variable.version + 1 });
    this.#see("set", name);
    return "ok";
  }

  setMany(values: Readonly<Record<string, number>>, atomic: boolean): string {
    const failing = Object.entries(values).filter(([name, value]) => !this.variables.has(name) || value > MAX);
    if (atomic && failing.length > 0) return `BatchFailed ${failing.map(([name]) => name).toSorted()}`;
    for (const [name, value] of Object.entries(values)) this.set(name, value);
    return `ok without ${failing.map(([name]) => name).toSorted()}`;
  }

  delete(name: string): string {
    const there = this.variables.has(name);
    if (there) this.#see("deleted", name);
    this.variables.delete(name);
    return `ok ${there}`;
  }

  #see(kind: string, name: string): void {
    const { value, version } = this.variables.get(name) ?? { value: 0, version: 0 };
    this.seen.push(`${kind} ${name} ${value} ${version}`);
  }
}

const MAX = 10;
const name = fc.constantFrom("a", "b", "c");
const value = fc.integer({ min: 0, max: MAX + 3 });
const operation = fc.oneof(
  fc.record({ do: fc.constant("register" as const), name, value }),
  fc.record({ do: fc.constant("set" as const), name, value, expected: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }) }),
  fc.record({ do: fc.constant("setMany" as const), values: fc.dictionary(name, value), atomic: fc.boolean() }),
  fc.record({ do: fc.constant("delete" as const), name }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Each> ? Each : never;

function think(model: Model, step: Operation): string {
  if (step.do === "register") return model.register(step.name, step.value);
  if (step.do === "set") return model.set(step.name, step.value, step.expected);
  if (step.do === "setMany") return model.setMany(step.values, step.atomic);
  return model.delete(step.name);
}

async function act({ variables }: Session, step: Operation): Promise<string> {
  try {
    if (step.do === "register") await variables.register(step.name, { type: "integer", value: step.value, constraints: { max: MAX } });
    else if (step.do === "set") await variables.set(step.name, step.value, { expectedVersion: step.expected });
    else if (step.do === "delete") return `ok ${await variables.delete(step.name)}`;
    else {
      const { errors } = await variables.setMany(step.values, { atomic: step.atomic });
      return `ok without ${Object.keys(errors).toSorted()}`;
    }
    return "ok";
  } catch (error) {
    if (!isSnakepitError(error)) throw error;
    return error._tag === "BatchFailed" && "errors" in error && typeof error.errors === "object" && error.errors !== null
      ? `BatchFailed ${Object.keys(error.errors).toSorted()}`
      : error._tag;
  }
}

const folder = mkdtempSync(join(tmpdir(), "snakepit-sessions-"));
afterAll(() => rmSync(folder, { recursive: true }));
const stores = { memory: Store.layerMemory, SQLite: Store.layerSqlite({ file: join(folder, "sessions.db") }) };

describe("any history", () => {
  for (const [kind, store] of Object.entries(stores)) {
    test(`comes to what a simple model says, and is seen as it happened (${kind})`, async () => {
      await using open = await bench({ store });
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (steps) => {
          const model = new Model();
          const session = await open.session();
          const watch = session.variables.watch();
          const first = watch.next();
          for (const step of steps) expect(await act(session, step)).toBe(think(model, step));
          const entries = await session.variables.list();
          expect(new Map(entries.map((entry) => [entry.name, { value: entry.value, version: entry.version }]))).toEqual(
            new Map([...model.variables].map(([key, is]) => [key, { value: is.value, version: is.version }])),
          );
          await session.end();
          const seen: string[] = [];
          for (let next = await first; next.done !== true; next = await watch.next()) {
            if (next.value.kind !== "ended") seen.push(`${next.value.kind} ${next.value.name} ${next.value.value} ${next.value.version}`);
          }
          expect(seen).toEqual(model.seen);
        }),
        { numRuns: kind === "memory" ? 200 : 60 },
      );
    });

    test(`of many writers at once loses nothing and is seen in order (${kind})`, async () => {
      await using open = await bench({ store });
      const step = fc.record({ writer: fc.nat({ max: 3 }), name, blind: fc.boolean(), yields: fc.nat({ max: 3 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
          const id = `many ${crypto.randomUUID()}`;
          const writers = await Promise.all([0, 1, 2, 3].map(() => open.session(id)));
          for (const each of ["a", "b", "c"]) await writers[0]!.variables.register(each, { type: "integer", value: 0 });
          const watches = writers.map(({ variables }) => variables.watch());
          const seen = watches.map(async (watch) => {
            const versions = new Map<string, number>();
            for await (const { kind: what, name: of, version, coalesced } of watch) {
              if (what === "ended") break;
              expect(coalesced).toBe(0);
              // Every version is the one after the last; the first may be any, for the watch begins while they write.
              const last = versions.get(of);
              if (last !== undefined) expect(version).toBe(last + 1);
              versions.set(of, version);
            }
            return versions;
          });
          const acknowledged: string[] = [];
          await Promise.all(
            writers.map(async ({ variables }, writer) => {
              for (const { name: of, blind, yields } of steps.filter((each) => each.writer === writer)) {
                for (let i = 0; i < yields; i++) await Promise.resolve();
                if (blind) acknowledged.push(`${of} ${await variables.set(of, writer)}`);
                else {
                  await variables.update<number>(of, (n) => n + 1);
                  acknowledged.push(of);
                }
              }
            }),
          );
          const end = new Map((await writers[0]!.variables.list()).map((entry) => [entry.name, entry.version]));
          for (const each of ["a", "b", "c"]) expect(end.get(each)).toBe(steps.filter((one) => one.name === each).length);
          const versions = acknowledged.filter((ack) => ack.includes(" "));
          expect(new Set(versions).size).toBe(versions.length);
          await writers[0]!.end();
          for (const of of await Promise.all(seen)) expect(of).toEqual(end);
        }),
        { numRuns: kind === "memory" ? 50 : 20 },
      );
    });
  }
});
