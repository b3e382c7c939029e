/** Asks a pit on its admin socket. `admin.ts` says what can be asked. */
import { request } from "node:http";
import { AdminError, type AdminMethod, codeOf } from "./admin.ts";

/** Longest time an answer may take, in milliseconds. A pit answers at once unless its program is stopped or computes. */
const ANSWER_MS = 2_000;

/**
 * Asks, and resolves with what was answered.
 *
 * Rejects with AdminError: "unavailable" when nobody listens, "deadline_exceeded" when no answer came in time, otherwise what the pit said.
 */
export function askPit(socketPath: string, method: AdminMethod, body: object = {}, timeoutMs: number = ANSWER_MS): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const unavailable = (cause: unknown): void => reject(new AdminError("unavailable", "It does not listen.", { cause }));
    if (socketPath === "") return unavailable(undefined);
    const asked = request({ socketPath, path: `/${method}`, method: "POST", headers: { "content-type": "application/json" } });
    const timer = setTimeout(() => {
      reject(new AdminError("deadline_exceeded", `It does not answer within ${timeoutMs} ms.`));
      asked.destroy();
    }, timeoutMs);
    asked.on("error", unavailable);
    asked.on("close", () => {
      clearTimeout(timer);
      unavailable(undefined);
    });
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data: string) => {
        text += data;
      });
      response.on("error", unavailable);
      // An answer that is cut short has no end.
      response.on("close", unavailable);
      response.on("end", () => settle(response.statusCode, text));
    });
    asked.end(JSON.stringify(body));

    function settle(status: number | undefined, text: string): void {
      clearTimeout(timer);
      try {
        const value: unknown = JSON.parse(text);
        if (status === 200) resolve(value);
        else reject(new AdminError(codeOf(status), messageIn(value)));
      } catch (cause) {
        reject(new AdminError("internal", "What it answered is no JSON.", { cause }));
      }
    }
  });
}

const messageIn = (value: unknown): string =>
  typeof value === "object" && value !== null && "message" in value ? String(value.message) : "";
