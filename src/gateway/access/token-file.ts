/**
 * The file of tokens: who may ask, as hashes. Written by `snakepit token`, read by the gateway.
 *
 * ```json
 * { "tokens": [{ "id": "k3xw81fz", "name": "ci", "hash": "sha256:…", "scopes": ["tool:*"], "createdAt": "2026-01-01T00:00:00.000Z" }] }
 * ```
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { Schema } from "effect";
import { readJson } from "./changing-file.ts";
import { isScope, scopeForms } from "./scopes.ts";
import { isHash } from "./secrets.ts";

const Instant = Schema.String.check(Schema.makeFilter((text) => !Number.isNaN(Date.parse(text)) || "must be a point in time, as ISO 8601"));
const Name = Schema.String.check(Schema.makeFilter((text) => isTokenName(text) || `must be ${tokenNameForm}`));

const TokenRecord = Schema.Struct({
  id: Name,
  name: Name,
  hash: Schema.String.check(Schema.makeFilter((text) => isHash(text) || 'must be "sha256:" and 64 hexadecimal digits')),
  scopes: Schema.Array(Schema.String.check(Schema.makeFilter((text) => isScope(text) || `must be one of ${scopeForms}`))),
  createdAt: Instant,
  expiresAt: Schema.optionalKey(Instant),
  revokedAt: Schema.optionalKey(Instant),
  requestsPerSecond: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
  concurrent: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
});

/** One token of the file. */
export interface TokenRecord extends Schema.Schema.Type<typeof TokenRecord> {}

const TokenFile = Schema.Struct({ tokens: Schema.Array(TokenRecord) });

/** What a name or an id looks like, for messages. */
export const tokenNameForm = "1 to 64 letters, digits and . _ @ -";

/** Whether this text may name who a token is for. */
export const isTokenName = (text: string): boolean => /^[\w.@-]{1,64}$/.test(text);

/**
 * Reads a file of tokens.
 *
 * @throws The system's error when it cannot be read; an Error that says what is wrong in it.
 */
export function readTokenFile(path: string): readonly TokenRecord[] {
  const { tokens } = Schema.decodeUnknownSync(TokenFile)(readJson(path), { onExcessProperty: "error" });
  const ids = new Set(tokens.map(({ id }) => id));
  if (ids.size < tokens.length) throw new Error("two tokens have the same id");
  return tokens;
}

/** How long a change waits for another one, in milliseconds, and how often it looks. */
const LOCKED_MS = 5_000;
const POLL_MS = 20;

/**
 * Changes a file of tokens, or makes it; only this user may read it. Whoever reads it meanwhile sees the old one or the new one. The new contents are written
 * into FILE.lock, which only one program can make, and which then becomes the file: so no change is lost.
 *
 * @throws What `readTokenFile` throws; the system's error; an Error when another change does not end within 5 s, as when its program was killed.
 */
export async function changeTokenFile(path: string, change: (records: readonly TokenRecord[]) => readonly TokenRecord[]): Promise<void> {
  const lock = `${path}.lock`;
  const file = await create(lock);
  try {
    const tokens = change(existsSync(path) ? readTokenFile(path) : []);
    await file.writeFile(`${JSON.stringify({ tokens }, undefined, 2)}\n`);
    await file.sync();
    renameSync(lock, path);
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function create(lock: string): Promise<FileHandle> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      return await open(lock, "wx", 0o600);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      if (waitedMs >= LOCKED_MS) throw new Error(`another program is changing it. If none is, remove ${lock}`, { cause: error });
    }
    await setTimeout(POLL_MS);
  }
}
