/** Figures of several rounds as one, and how far two equal systems are apart. Pure. */

/** One line of the results, over all rounds. */
export interface Row {
  readonly system: string;
  readonly runtime: string;
  readonly metric: string;
  readonly unit: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly n: number;
}

/** The value below which this share of the sorted values lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle value; NaN of none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A figure as it is printed: four digits that count. */
export const round4 = (value: number): number => Number(value.toPrecision(4));

/** The row of all values of one figure. */
export function rowOf(of: Pick<Row, "system" | "runtime" | "metric" | "unit">, values: readonly number[]): Row {
  return {
    ...of,
    min: round4(Math.min(...values)),
    median: round4(median(values)),
    max: round4(Math.max(...values)),
    n: values.length,
  };
}

/**
 * How far two runs of the same system are apart, as a share: the median over the rounds of how much the larger figure is above the smaller. Half of all
 * rounds show that much between systems that are equal.
 */
export function spread(a: readonly number[], b: readonly number[]): number {
  return median(a.flatMap((value, round) => ratioAbove1(value, b[round]) ?? []));
}

function ratioAbove1(a: number, b: number | undefined): number | undefined {
  if (b === undefined || !(a > 0) || !(b > 0)) return undefined;
  return Math.max(a, b) / Math.min(a, b) - 1;
}
