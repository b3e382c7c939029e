/** Options held against what they may be. */
import { InvalidOptions } from "../errors/index.ts";

/** What an option may be. */
export interface Check {
  /** In words that follow "must be". */
  readonly expected: string;
  readonly ok: (value: unknown) => boolean;
}

/** What each option may be. */
export type Checks<Options> = Readonly<Record<keyof Options, Check>>;

/** Longest time that the runtimes' timers and the wire can hold: 24 days. */
export const LONGEST_MS = 2 ** 31 - 1;

/** An object of options, which an array is not. */
export const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

/** A whole number between two others. */
export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Check => ({
  expected: most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
  ok: (x) => typeof x === "number" && Number.isSafeInteger(x) && x >= least && x <= most,
});

/** A time that may be 0. */
export const milliseconds: Check = {
  expected: `a number of milliseconds from 0 to ${LONGEST_MS}`,
  ok: (x) => typeof x === "number" && x >= 0 && x <= LONGEST_MS,
};

/** A limit that there may be none of. */
export const timeout: Check = {
  expected: `a number of milliseconds above 0, at most ${LONGEST_MS}, or Infinity`,
  ok: (x) => typeof x === "number" && x > 0 && (x <= LONGEST_MS || x === Number.POSITIVE_INFINITY),
};

/** A function. */
export const callback: Check = { expected: "a function", ok: (x) => typeof x === "function" };

/** Throws InvalidOptions for the first option that is unknown or makes no sense. One that is undefined is one that is not given. */
export function checkOptions(options: object, checks: Readonly<Record<string, Check>>, prefix = ""): void {
  if (!isObject(options)) throw new InvalidOptions({ option: "options", expected: "an object" });
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (rule === undefined) {
      throw new InvalidOptions({ option: `${prefix}${name}`, expected: `left out: the options are ${Object.keys(checks).join(", ")}` });
    }
    if (value !== undefined && !rule.ok(value)) throw new InvalidOptions({ option: `${prefix}${name}`, expected: rule.expected });
  }
}
