/** Who asks, and what they may. */
import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** What somebody wants to do. */
export type Action =
  /** Call a tool of a pool, or see that it is there. */
  | { readonly kind: "tool"; readonly tool: string; readonly pool: string }
  /** Use a session; `write` changes it, makes it, ends it or runs a tool in it. `foreign`: another principal has made it (default: false). */
  | { readonly kind: "session"; readonly session: string; readonly write: boolean; readonly foreign?: boolean }
  /** Look after the pit; `write` changes something. */
  | { readonly kind: "admin"; readonly write: boolean }
  /** Read the metrics. */
  | { readonly kind: "metrics" };

/** Somebody who was let in. */
export interface Principal {
  /** Who it is, the same from request to request and after a restart: sessions belong to it. Never a secret. */
  readonly id: string;
  /** How it said who it is. */
  readonly kind: "certificate" | "jwt" | "none" | "token";
  /** Whether it may do this. Costs little: ask as often as you like. */
  may(action: Action): boolean;
  /** For people: the id and what it may. */
  readonly describe: string;
  /** Whether errors may tell it tracebacks, lines of stderr and stacks. */
  readonly tracebacks: boolean;
}

/** Nobody in particular: what public paths and forgotten values have. It may nothing. */
export const nobody: Principal = { id: "nobody", kind: "none", may: () => false, describe: "nobody", tracebacks: false };

/** Where the handlers of a request find who asks. Without one it is {@link nobody}, so what forgets to let somebody in refuses everybody. */
export const principalKey: ContextKey<Principal> = createContextKey<Principal>(nobody, { description: "snakepit/principal" });
