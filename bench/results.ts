/** What a run of the bench leaves: rows, and why there are none. Pure. */
import { type Row, rowOf } from "./statistics.ts";

/** Why a system has no figure. */
export interface Absent {
  readonly system: string;
  readonly runtime: string;
  readonly metric: string;
  readonly why: string;
}

/** bench/results/latest.json. */
export interface Results {
  readonly machine: string;
  readonly date: string;
  /** Whether it was a quick look, whose figures are rough. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Whether host and worker had a processor each. */
  readonly pinned: boolean;
  /** How far two runs of one system are apart, as a share, by metric: no claim is finer. */
  readonly spread: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  readonly absent: readonly Absent[];
}

/** A figure of a system on a runtime; undefined when there is none. */
export type Lookup = (system: string, runtime: string, metric: string) => number | undefined;

/** Looks medians up. */
export const lookup =
  ({ rows }: Pick<Results, "rows">): Lookup =>
  (system, runtime, metric) =>
    rows.find((row) => row.system === system && row.runtime === runtime && row.metric === metric)?.median;

/** Collects figures round by round. */
export class Collected {
  readonly #values = new Map<string, { of: Pick<Row, "system" | "runtime" | "metric" | "unit">; values: number[] }>();
  readonly #absent = new Map<string, Absent>();

  add(system: string, runtime: string, finding: { metric: string; unit: string; value: number } | { metric: string; why: string }): void {
    const key = `${system} ${runtime} ${finding.metric}`;
    if ("why" in finding) {
      this.#absent.set(key, { system, runtime, metric: finding.metric, why: finding.why });
      return;
    }
    const { metric, unit, value } = finding;
    const entry = this.#values.get(key) ?? { of: { system, runtime, metric, unit }, values: [] };
    entry.values.push(value);
    this.#values.set(key, entry);
  }

  /** The values of one figure, in the order of the rounds. */
  values(system: string, runtime: string, metric: string): readonly number[] {
    return this.#values.get(`${system} ${runtime} ${metric}`)?.values ?? [];
  }

  /** Metrics that this system has no figure for on this runtime. "*" stands for all. */
  missing(system: string, runtime: string): string[] {
    return this.absent.filter((one) => one.system === system && one.runtime === runtime).map(({ metric }) => metric);
  }

  get rows(): Row[] {
    return Array.from(this.#values.values(), ({ of, values }) => rowOf(of, values));
  }

  get absent(): Absent[] {
    return [...this.#absent.values()];
  }
}
