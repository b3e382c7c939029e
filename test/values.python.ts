/** The Python worker that the tests of values ask. */
import { resolve } from "node:path";
import { Snakepit } from "../src/index.ts";

const root = resolve(import.meta.dirname, "..");

/** One worker with the tools of test/tools/values.py, in the environment of the tests, which has numpy, Pydantic and attrs. */
export function openPython(): Promise<Snakepit> {
  return Snakepit.open({ tools: resolve(root, "test/tools/values.py"), workers: 1, python: resolve(root, ".venv/bin/python") });
}
