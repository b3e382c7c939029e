/** Figures as people read them. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

/** A number of things, or a quantity below a thousand with three digits. */
export const figure = (value: number | bigint): string =>
  typeof value === "bigint" || Math.abs(value) >= 1000 || Number.isInteger(value) ? whole.format(value) : fine.format(value);

/** A duration given in milliseconds; a dash for none, and Infinity in words. */
export function duration(ms: number | bigint): string {
  const value = Number(ms);
  if (value <= 0) return "–";
  if (value === Number.POSITIVE_INFINITY) return "for ever";
  if (value < 1) return `${fine.format(value * 1000)} µs`;
  if (value < 1000) return `${fine.format(value)} ms`;
  if (value < 60_000) return `${fine.format(value / 1000)} s`;
  if (value < 3_600_000) return `${Math.floor(value / 60_000)} min ${Math.floor((value % 60_000) / 1000)} s`;
  if (value < 86_400_000) return `${Math.floor(value / 3_600_000)} h ${Math.floor((value % 3_600_000) / 60_000)} min`;
  return `${Math.floor(value / 86_400_000)} d ${Math.floor((value % 86_400_000) / 3_600_000)} h`;
}

/** An amount of memory; a dash where it is not known. */
export function memory(bytes: bigint): string {
  const value = Number(bytes);
  if (value === 0) return "–";
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${fine.format(value / 1024)} KB`;
  return value < 1024 ** 3 ? `${fine.format(value / 1024 ** 2)} MB` : `${fine.format(value / 1024 ** 3)} GB`;
}

/** The time of day. */
export const clock = (ms: number): string => new Date(ms).toLocaleTimeString();

/** A value as JSON for people, with what JSON does not have in words of its own. */
export const pretty = (value: unknown): string =>
  JSON.stringify(
    value,
    (_key, part: unknown) => {
      if (typeof part === "bigint" || (typeof part === "number" && !Number.isFinite(part))) return String(part);
      if (part instanceof Map) return [...part];
      if (part instanceof Uint8Array) return `${part.length} bytes`;
      return ArrayBuffer.isView(part) && !(part instanceof DataView) ? Array.from(part as unknown as ArrayLike<number | bigint>) : part;
    },
    2,
  ) ?? "undefined";
