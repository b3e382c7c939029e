/** What JSON is, for values that came over the wire: integers of any size are numbers too. */
import { formatPath } from "../value/path.ts";

/** An object by property name, which a Map, a Date or bytes are not. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A number or an integer of any size. */
export const isNumber = (value: unknown): value is number | bigint => typeof value === "number" || typeof value === "bigint";

/** Text. */
export const isText = (value: unknown): value is string => typeof value === "string";

/** An array. */
export const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Length in characters as Python counts them: what JavaScript keeps in two halves is one. */
export function textLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800) length--;
  }
  return length;
}

/** One text for equal values, whatever the order of their properties. */
export function canonical(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "undefined";
  const entries = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${entries.join()}}`;
}

/** The path of a property, as JavaScript would reach it. */
export const childPath = (path: string, name: string): string => path + formatPath([name]).slice(1);

/** The path of the first part that is not JSON. Undefined when all of it is. */
export function notJson(value: unknown, path = "$"): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean" || typeof value === "bigint") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (isArray(value)) {
    for (const [i, entry] of value.entries()) {
      const found = notJson(entry, `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isObject(value)) return path;
  for (const [name, entry] of Object.entries(value)) {
    const found = notJson(entry, childPath(path, name));
    if (found !== undefined) return found;
  }
  return undefined;
}
