/** The environment variables that every Python started here gets. */
import { delimiter } from "node:path";
import { pythonSource } from "../runtime/package-root.ts";

/**
 * This program's environment with Snakepit's own Python source first on PYTHONPATH, and `extra` on top.
 *
 * A PYTHONPATH in `extra` takes the place of this program's, and still comes after Snakepit's own source.
 */
export function pythonEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PYTHONPATH: theirs, ...env } = { ...process.env, ...extra };
  const defined: Record<string, string> = { PYTHONPATH: theirs ? `${pythonSource()}${delimiter}${theirs}` : pythonSource() };
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}
