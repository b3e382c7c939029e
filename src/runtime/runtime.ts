/** Which JavaScript runtime this is: for reports, never for decisions outside this folder. */

/** A JavaScript runtime. */
export interface RuntimeInfo {
  /** Which one. */
  readonly name: "bun" | "deno" | "node";
  /** Its version, such as "24.21.0". */
  readonly version: string;
}

/** The runtime that runs this program. */
export function currentRuntime(): RuntimeInfo {
  // Deno and Bun both claim to be Node as well, so Node comes last.
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return { name: "bun", version: bun };
  if (deno !== undefined) return { name: "deno", version: deno };
  return { name: "node", version: node };
}
