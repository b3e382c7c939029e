/**
 * The audit log: who asked for what, and what became of it. One JSON line, or one call of a function, for each request that was let in (when its answer has
 * ended) or refused. It never holds a token, an argument, a value or what a stranger has sent as a path.
 */

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { Code, type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Audit } from "./options.ts";

/** One line of the audit log. */
export interface AuditEntry {
  /** When the request came, as ISO 8601. */
  readonly time: string;
  /** Who asked; "nobody" when nobody was recognised. */
  readonly principal: string;
  /** The RPC, such as "GatewayService/ExecuteTool"; "metrics"; "tokens" when the file of tokens was read again; "unknown" for a path that there is not. */
  readonly action: string;
  /** "ok", the Connect code of what it failed with, such as "permission_denied", or "malformed" when it never reached what answers it. */
  readonly outcome: string;
  /** From the request to the end of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Address of the other end. */
  readonly address?: string;
  readonly pool?: string;
  readonly tool?: string;
  readonly session?: string;
  /** What an administrative act was done to: a worker or a call. */
  readonly target?: string;
}

/** What is known of a request by those who answer it. */
export interface RequestRecord {
  pool?: string;
  tool?: string;
  session?: string;
  target?: string;
  /** See {@link AuditEntry}. */
  outcome: string;
}

/** Where the handlers of a request find its record. The default belongs to no request and goes nowhere. */
export const recordKey: ContextKey<RequestRecord> = createContextKey<RequestRecord>(
  { outcome: "malformed" },
  { description: "snakepit/request-record" },
);

/** The name of a Connect code as it travels, such as "not_found". */
export const codeName = (code: Code): string => Code[code].replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();

/** Lines that wait for a slow disk, in bytes. Beyond it they are counted instead of kept: the log must not take the memory of the program. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Names in a line, in characters: strangers choose them. */
const MAX_NAME = 256;

/** The audit log, open. */
export interface AuditLog {
  write(entry: AuditEntry): void;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** Opens the audit log. What goes wrong with it is said on stderr, and requests go on. */
export function openAudit(audit: Audit | undefined): AuditLog {
  if (audit === undefined) return { write: () => {}, close: async () => {} };
  if (typeof audit === "string") return new AuditFile(audit);
  return {
    write: (entry) => {
      try {
        audit(shortened(entry));
      } catch (error) {
        complain(error);
      }
    },
    close: async () => {},
  };
}

class AuditFile implements AuditLog {
  readonly #stream: WriteStream;
  #lost = 0;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: "a", mode: 0o600 });
    this.#stream.on("error", complain);
  }

  write(entry: AuditEntry): void {
    if (this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) {
      complain(new Error(`${this.#lost} entries were not written, since the disk is too slow`));
      this.#lost = 0;
    }
    this.#stream.write(`${JSON.stringify(shortened(entry))}\n`);
  }

  async close(): Promise<void> {
    if (this.#stream.closed) return;
    const closed = once(this.#stream, "close");
    this.#stream.end();
    await closed.catch(() => {});
  }
}

function shortened(entry: AuditEntry): AuditEntry {
  return Object.fromEntries(
    Object.entries(entry)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === "string" ? value.slice(0, MAX_NAME) : value]),
    // Same names, same kinds of values.
  ) as unknown as AuditEntry;
}

function complain(error: unknown): void {
  process.stderr.write(`snakepit: audit log: ${error instanceof Error ? error.message : String(error)}\n`);
}
