/** The question that handlers ask before they do something. */
import type { ContextValues } from "@connectrpc/connect";
import { PermissionDenied } from "../../errors/index.ts";
import { recordKey } from "./audit.ts";
import { type Action, type Principal, principalKey } from "./principal.ts";

/**
 * Who asks, when it may do this; the audit log tells what was asked for.
 *
 * @throws PermissionDenied otherwise.
 */
export function authorize(values: ContextValues, action: Action): Principal {
  const record = values.get(recordKey);
  if (action.kind === "tool") {
    record.tool = action.tool;
    record.pool = action.pool;
  } else if (action.kind === "session") record.session = action.session;
  const principal = values.get(principalKey);
  if (!principal.may(action)) throw new PermissionDenied({ action: sentence(action) });
  return principal;
}

function sentence(action: Action): string {
  switch (action.kind) {
    case "tool":
      // Not of which pool: that would tell whether it is there.
      return `to call the tool "${action.tool}"`;
    case "session":
      return `to ${action.write ? "change" : "read"} ${action.foreign === true ? "sessions of others" : "sessions"}`;
    case "admin":
      return action.write ? "to administer" : "to see how the pit stands";
    case "metrics":
      return "to read the metrics";
  }
}
