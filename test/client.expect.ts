/** Expectations that need nothing but the language: the cases of the client run where there is no module of Node. */
import { isSnakepitError, type SnakepitError } from "../src/client.ts";

/** Throws unless it is true. */
export function ok(truth: boolean, message: string): asserts truth {
  if (!truth) throw new Error(message);
}

/** Throws unless both are the same, in every part: also in kind, sign of zero and order of Map entries. */
export function equal(actual: unknown, expected: unknown): void {
  const [shown, wanted] = [show(actual), show(expected)];
  if (shown !== wanted) throw new Error(`got ${shown}\ninstead of ${wanted}`);
}

/** The error of the family that it fails with. Throws when it is another one. */
export async function fails<Fields extends object = object>(coming: PromiseLike<unknown>, tag: string): Promise<SnakepitError & Fields> {
  let outcome: unknown;
  try {
    outcome = `${show(await coming)} was the result`;
  } catch (error) {
    if (isSnakepitError(error) && error._tag === tag) return error as SnakepitError & Fields;
    outcome = error;
  }
  throw new Error(`it should have failed with ${tag}`, { cause: outcome });
}

/** The first items, or all. Leaves when it has them. */
export async function take<T>(items: AsyncIterable<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}

/** A value as text in which nothing is lost. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return String(value);
  const name = value.constructor?.name ?? "Object";
  if (value instanceof Date) return `Date ${value.toISOString()}`;
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${name} [${Array.from(value as unknown as ArrayLike<unknown>, show).join()}]`;
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name} {${entries.map(([key, entry]) => `${show(key)}: ${show(entry)}`).join()}}`;
}
