/** What every means of saying who one is comes to. */
import type { Principal } from "./principal.ts";
import { grant } from "./scopes.ts";

/** A principal with the limits of its own. */
export interface Known {
  readonly principal: Principal;
  readonly requestsPerSecond?: number | undefined;
  readonly concurrent?: number | undefined;
}

/** Why somebody is not let in. `claims` is who it would have been, for the audit log. */
export interface Unknown {
  readonly reason: string;
  readonly claims?: string | undefined;
}

/** Somebody who was recognised, or why not. */
export type Recognised = Known | Unknown;

/** Whether somebody was recognised. */
export const isKnown = (recognised: Recognised): recognised is Known => "principal" in recognised;

/** Who it is that has a name and scopes. Names of one kind are never those of another: a JWT for "ci" is not the token "ci". */
export function principal(kind: Principal["kind"], name: string, scopes: readonly string[]): Principal {
  const id = `${kind}:${name}`;
  return { id, kind, ...grant(scopes), describe: `${id} (${scopes.length === 0 ? "no scopes" : scopes.join(" ")})` };
}
