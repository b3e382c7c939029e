/** Answers to what is no RPC. */
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { refusalFor } from "./refusal.ts";

/** The page for an error: JSON in the words of Connect. */
export function errorPage(error: unknown): Response {
  const { code, rawMessage: message, metadata } = refusalFor(error);
  return Response.json({ code: codeToString(code), message }, { status: codeToHttpStatus(code), headers: metadata });
}

/** The page for what there is not. Who calls a method that is not there hears it as its protocol has it. */
export const notFoundPage = (request: { readonly method: string; readonly headers: Headers }): Response => {
  // gRPC knows the status alone.
  if (request.headers.get("content-type")?.startsWith("application/grpc")) return new Response(null, { status: 404 });
  const code = codeToString(request.method === "POST" ? Code.Unimplemented : Code.NotFound);
  return Response.json({ code, message: "there is nothing of this name" }, { status: 404 });
};
