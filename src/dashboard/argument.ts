/** What people write into a field. */

/** The value that a text stands for: the text itself where the parameter is a `str`, else what it is as JSON, else the text. Whole numbers keep all digits. */
export function argumentOf(text: string, type: string): unknown {
  if (/^str\b/.test(type) && !/^["[{]/.test(text)) return text;
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
      const { source = "" } = context ?? {};
      return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
    });
  } catch {
    return text;
  }
}
