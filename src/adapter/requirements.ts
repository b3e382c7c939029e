/** What the Python package needs of an interpreter. `python/pyproject.toml` says the same to Python's own tools; a test compares the two. */

/** A version as its numbers, such as `[3, 12, 1]`. */
export type Version = readonly number[];

/** A Python package that workers import. */
export interface Requirement {
  readonly name: string;
  /** The oldest version that does. */
  readonly atLeast: string;
}

/** The oldest Python that runs workers. */
export const oldestPython: Version = [3, 10];

/** What workers import beside the standard library. The code generated from the protocol fixes the oldest protobuf. */
export const requirements: readonly Requirement[] = [
  { name: "msgspec", atLeast: "0.19" },
  { name: "protobuf", atLeast: "7.35.1" },
  { name: "uvloop", atLeast: "0.19" },
];

/** Reads the numbers a version starts with: `7.36.2rc1` is `[7, 36, 2]`. */
export function parseVersion(text: string): Version {
  return (/^\d+(\.\d+)*/.exec(text)?.[0] ?? "").split(".").filter(Boolean).map(Number);
}

/** Whether `version` is `least` or later. Numbers that are missing count as 0. */
export function isAtLeast(version: Version, least: Version): boolean {
  for (let i = 0; i < least.length; i++) {
    const difference = (version[i] ?? 0) - (least[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The requirements that packages (version by name) do not meet. */
export function unmet(packages: ReadonlyMap<string, string>): readonly Requirement[] {
  return requirements.filter(({ name, atLeast }) => {
    const version = packages.get(name);
    return version === undefined || !isAtLeast(parseVersion(version), parseVersion(atLeast));
  });
}
