/** What a scenario is, is given and gives back. */
import type { Random } from "../src/testing/random.ts";

/** What a scenario is given. */
export interface Chaos {
  readonly seed: number;
  /** All chance comes from here, so that a seed plays the same hand again. What the system does with it is its own affair. */
  readonly random: Random;
  /** A generator that starts from a seed of its own. */
  readonly from: (seed: number) => Random;
  /** The scenario begins nothing new after this, as `performance.now()` has it. */
  readonly until: number;
  /** A fraction of the work, for continuous integration. */
  readonly quick: boolean;
  /** Input to replay instead of the scenario's own, as hexadecimal digits. Only the frames' scenarios read it. */
  readonly replay: string | undefined;
  /** What the environment of every process that is started here has, by name. */
  readonly marker: string;
  /** Says how far it is. */
  progress(text: string): void;
}

/** What a scenario gives back. */
export interface Findings {
  /** Counts, times and settings, for whoever reads the summary. */
  readonly figures: Readonly<Record<string, unknown>>;
  /** What must not be. One is enough to fail. */
  readonly violations: readonly string[];
  /** What was not shown: the time ran out, or there is nothing yet to try. Only fails with `--strict`. */
  readonly gaps: readonly string[];
}

/** One thing that must hold whatever happens. */
export interface Scenario {
  /** What it shows, in one sentence. */
  readonly title: string;
  /** Its share of the time, against those of the others. */
  readonly share: number;
  run(chaos: Chaos): Promise<Findings>;
}

/** Collects violations: each kind once in full, then counted. */
export class Violations {
  readonly #seen = new Map<string, { readonly first: string; count: number }>();

  /** Notes that something is wrong. `detail` is kept for the first of a kind. */
  add(kind: string, detail = ""): void {
    const seen = this.#seen.get(kind);
    if (seen !== undefined) seen.count++;
    else this.#seen.set(kind, { first: detail, count: 1 });
  }

  /** Notes it unless `holds`. */
  check(holds: boolean, kind: string, detail: () => string = () => ""): void {
    if (!holds) this.add(kind, detail());
  }

  /** Every kind with its first detail and how often it was. */
  get list(): string[] {
    return [...this.#seen].map(
      ([kind, { first, count }]) => `${kind}${first === "" ? "" : `: ${first}`}${count > 1 ? ` (${count} times)` : ""}`,
    );
  }
}
