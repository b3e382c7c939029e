/**
 * Scopes: what a token, a claim or a certificate rule allows, as text. docs/security.md has the table.
 *
 * Nothing is allowed that no scope names.
 */
import { glob } from "./glob.ts";
import type { Action } from "./principal.ts";

/** What a set of scopes comes to. */
export interface Grant {
  may(action: Action): boolean;
  readonly tracebacks: boolean;
}

/** Whether one scope allows an action. */
type Rule = (action: Action) => boolean;

const sessions =
  (foreign: boolean, write: boolean): Rule =>
  (action) =>
    action.kind === "session" && (foreign || action.foreign !== true) && (write || !action.write);
const admin =
  (write: boolean): Rule =>
  (action) =>
    action.kind === "metrics" || (action.kind === "admin" && (write || !action.write));

/** The scopes that are words. */
const words: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["*", () => true],
  ["session:own:read", sessions(false, false)],
  ["session:own:write", sessions(false, true)],
  ["session:all:read", sessions(true, false)],
  ["session:all:write", sessions(true, true)],
  ["admin:read", admin(false)],
  ["admin:write", admin(true)],
  ["metrics", (action) => action.kind === "metrics"],
  // It allows no action: see `tracebacks` of the grant.
  ["tracebacks", () => false],
]);

/** What a scope may look like, for messages. */
export const scopeForms = `"tool:NAME", "tool:POOL/NAME" (both with *), ${[...words.keys()].map((word) => `"${word}"`).join(", ")}`;

/** Whether this text is a scope. */
export const isScope = (text: string): boolean => ruleOf(text) !== undefined;

/** What these scopes allow together. Text that is no scope allows nothing: claims of others stand beside ours. */
export function grant(scopes: readonly string[]): Grant {
  const rules = scopes.map(ruleOf).filter((rule) => rule !== undefined);
  return {
    may: (action) => rules.some((allows) => allows(action)),
    tracebacks: scopes.includes("*") || scopes.includes("tracebacks"),
  };
}

function ruleOf(scope: string): Rule | undefined {
  const word = words.get(scope);
  if (word !== undefined) return word;
  if (!scope.startsWith("tool:")) return undefined;
  const pattern = scope.slice("tool:".length);
  const slash = pattern.indexOf("/");
  const [pool, tool] = slash < 0 ? ["*", pattern] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  if (pool === "" || tool === "") return undefined;
  const isPool = glob(pool);
  const isTool = glob(tool);
  return (action) => action.kind === "tool" && isTool(action.tool) && isPool(action.pool);
}
