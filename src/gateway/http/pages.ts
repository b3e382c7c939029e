/** Answers to what is no RPC. */
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { refusalFor } from "./refusal.ts";

/** The page for an error: JSON in the words of Connect. */
export function errorPage(error: unknown): Response {
  const { code, rawMessage: message, metadata } = refusalFor(error);
  return Response.json({ code: codeToString(code), message }, { status: codeToHttpStatus(code), headers: metadata });
}

/** The page for what there is not. */
export const notFoundPage = (): Response =>
  Response.json({ code: codeToString(Code.NotFound), message: "there is nothing of this name" }, { status: 404 });
