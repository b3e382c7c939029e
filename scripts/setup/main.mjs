/** Runs the steps that are stale: those that do not need each other at the same time, under one lock for the repository. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommandFailed, endCommands, endLeftovers } from "./command.mjs";
import { Explained, elapsed, say, withSignsOfLife } from "./console.mjs";
import { acquireLock } from "./lock.mjs";
import { readStamp, root, writeStamp } from "./stamps.mjs";
import { steps } from "./steps.mjs";

function isFresh(step) {
  const stamp = readStamp(step.name);
  return (
    stamp?.state === "done" &&
    stamp.key === step.key() &&
    !step.isStale?.(stamp) &&
    step.outputs.every((path) => existsSync(join(root, path)))
  );
}

async function bring(step) {
  if (isFresh(step)) return;
  const since = performance.now();
  const stamp = readStamp(step.name);
  const key = step.key();
  if (step.trustFirst && stamp === undefined && step.outputs.every((path) => existsSync(join(root, path)))) {
    writeStamp(step.name, { state: "done", key });
    return;
  }
  if (stamp?.state === "running") {
    say(step.name, "did not end last time, starting it from scratch");
    step.clean();
  }
  writeStamp(step.name, { ...stamp, state: "running" });
  let notes;
  try {
    notes = await withSignsOfLife(step.name, () => step.run());
  } catch (error) {
    // What one sentence explains was found before anything was touched.
    if (error instanceof Explained) writeStamp(step.name, stamp ?? { state: "new" });
    throw error;
  }
  // A step may change what others depend on, never what it depends on itself: a file edited meanwhile makes the step stale.
  writeStamp(step.name, { state: "done", key, ...notes });
  say(step.name, `done in ${elapsed(since)}`);
}

/** Makes the repository ready. Resolves with whether there was anything to do. */
export async function setup() {
  if (steps.every(isFresh)) return false;
  const since = performance.now();
  const release = await acquireLock((pid) => say("wait", `another set-up is running (pid ${pid}), waiting for it`));
  const stop = () => {
    endCommands();
    release();
    process.exit(130);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await endLeftovers();
    const promises = new Map();
    for (const step of steps) {
      const before = step.needs.map((name) => promises.get(name));
      promises.set(
        step.name,
        Promise.all(before).then(() => bring(step)),
      );
    }
    const results = await Promise.allSettled(promises.values());
    // The same failure comes back from every step that needed the one that failed.
    const failures = [...new Set(results.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])))];
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1)
      throw (
        failures.find((failure) => failure instanceof Explained) ??
        new CommandFailed(failures.map((failure) => failure.message ?? failure).join("\n"))
      );
    say("ready", `in ${elapsed(since)}`);
    return true;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    release();
  }
}

/** The same, ending the process with exit code 1 and what is to be done when it cannot. */
export async function setupOrExit({ quiet = false } = {}) {
  try {
    if (!(await setup()) && !quiet) say("ready", "nothing to do");
  } catch (error) {
    const told = error instanceof Explained || error instanceof CommandFailed;
    console.error(`setup: ${told ? error.message : (error.stack ?? error)}`);
    process.exit(1);
  }
}
