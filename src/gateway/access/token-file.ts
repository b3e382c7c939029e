/**
 * The file of tokens: who may ask, as hashes. Written by `snakepit token`, read by the gateway.
 *
 * ```json
 * { "tokens": [{ "id": "k3xw81fz", "name": "ci", "hash": "sha256:…", "scopes": ["tool:*"], "createdAt": "2026-01-01T00:00:00.000Z" }] }
 * ```
 */
import { randomUUID } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
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

/** Writes a file of tokens, which only this user may read. Whoever reads it meanwhile sees the old one or the new one. Throws the system's error. */
export function writeTokenFile(path: string, tokens: readonly TokenRecord[]): void {
  const beside = `${path}.${randomUUID()}`;
  try {
    writeFileSync(beside, `${JSON.stringify({ tokens }, undefined, 2)}\n`, { mode: 0o600, flag: "wx", flush: true });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
