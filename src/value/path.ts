/** Where something is inside a value, and what it is, in words. Computed only when a value cannot travel. */

/** Stands in a path for the key of a Map, as opposed to the value beside it. */
export const MAP_KEY = Symbol("key");

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** A path such as `$.rows[2].f` or `$["a b"]`. A key of a Map that is itself at fault reads `$.map<key>`. */
export function formatPath(steps: readonly unknown[]): string {
  let path = "$";
  for (const step of steps) {
    if (step === MAP_KEY) path += "<key>";
    else if (typeof step === "string") path += identifier.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
    else path += `[${String(step)}]`;
  }
  return path;
}

/** What a value is, for the reason of an error: "a Promise", "an object". */
export function nameOf(value: object): string {
  const maker: unknown = Object.getPrototypeOf(value)?.constructor;
  const name = typeof maker === "function" && maker !== Object ? maker.name : "";
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const word = name !== "" ? name : tag === "Object" ? "object" : tag;
  return `${/^[aeiou]/i.test(word) ? "an" : "a"} ${word}`;
}
