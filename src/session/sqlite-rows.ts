/** Rows of a session file as records, and the statements that read and write them. */
import type { Metadata, Source } from "../api/variables.ts";
import type { SqliteDatabase, SqliteRow } from "../runtime/sqlite.ts";
import { expiresAt, noMetadata, type SessionRecord, type VariableRecord } from "./records.ts";
import { keep, keptBytes } from "./variable-value.ts";

/** Every statement, compiled once a file. */
export type Statements = ReturnType<typeof prepareStatements>;

const VARIABLE = "serial, name, type, value, constraints, metadata, version, source, at";

/** Compiles the statements. The tables must be there. */
export function prepareStatements(database: SqliteDatabase) {
  const sql = (text: string) => database.prepare(text);
  return {
    begin: sql("BEGIN IMMEDIATE"),
    beginRead: sql("BEGIN"),
    commit: sql("COMMIT"),
    rollback: sql("ROLLBACK"),
    nextSerial: sql("UPDATE sequence SET last = last + 1 RETURNING last"),
    session: sql("SELECT * FROM sessions WHERE id = ?"),
    sessionBySerial: sql("SELECT * FROM sessions WHERE serial = ?"),
    sessions: sql("SELECT * FROM sessions WHERE expires_at > ? ORDER BY serial"),
    countSessions: sql("SELECT count(*) AS count FROM sessions"),
    insertSession: sql(
      "INSERT INTO sessions (serial, id, ttl_ms, created_at, used_at, expires_at, metadata, variables, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
    ),
    updateSession: sql("UPDATE sessions SET ttl_ms = ?, used_at = ?, expires_at = ?, metadata = ? WHERE serial = ?"),
    touchSession: sql("UPDATE sessions SET used_at = ?, expires_at = ? WHERE serial = ?"),
    countInSession: sql("UPDATE sessions SET used_at = ?, expires_at = ?, bytes = ?, variables = ? WHERE serial = ?"),
    deleteSession: sql("DELETE FROM sessions WHERE serial = ?"),
    expireSessions: sql("DELETE FROM sessions WHERE expires_at <= ? RETURNING *"),
    byName: sql(`SELECT ${VARIABLE} FROM variables WHERE session = ? AND name = ?`),
    variables: sql(`SELECT ${VARIABLE} FROM variables WHERE session = ? ORDER BY serial`),
    insertVariable: sql(
      "INSERT INTO variables (serial, session, name, type, value, constraints, metadata, version, source, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    updateVariable: sql("UPDATE variables SET value = ?, metadata = ?, version = ?, source = ?, at = ? WHERE serial = ?"),
    deleteVariable: sql("DELETE FROM variables WHERE serial = ?"),
    dataVersion: sql("PRAGMA data_version"),
  };
}

/** A number in a column. The tables are strict, so what is there is of its type. */
export const numberIn = (row: SqliteRow | undefined, column: string): number => Number(row?.[column]);
const textIn = (row: SqliteRow, column: string): string => String(row[column]);
function bytesIn(row: SqliteRow, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

/** The session of a row. */
export const sessionOf = (row: SqliteRow): SessionRecord => ({
  id: textIn(row, "id"),
  serial: numberIn(row, "serial"),
  ttlMs: numberIn(row, "ttl_ms"),
  createdAt: numberIn(row, "created_at"),
  usedAt: numberIn(row, "used_at"),
  metadata: metadataOf(textIn(row, "metadata")),
  variables: numberIn(row, "variables"),
  bytes: numberIn(row, "bytes"),
});

/** The variable of a row. */
export function variableOf(row: SqliteRow): VariableRecord {
  return {
    serial: numberIn(row, "serial"),
    name: textIn(row, "name"),
    type: textIn(row, "type"),
    value: keep(bytesIn(row, "value")),
    constraints: textIn(row, "constraints"),
    metadata: metadataOf(textIn(row, "metadata")),
    version: numberIn(row, "version"),
    source: parse<Source>(textIn(row, "source")),
    at: numberIn(row, "at"),
  };
}

/** Writes a new session down. */
export function insertSession(statements: Statements, session: SessionRecord): void {
  const { serial, id, ttlMs, createdAt, usedAt, metadata } = session;
  statements.insertSession.run(serial, id, ttlMs, createdAt, usedAt, expiresAt(session), JSON.stringify(metadata));
}

/** Writes a variable down: a new one when its version is 0. */
export function putVariable(statements: Statements, session: number, variable: VariableRecord): void {
  const { serial, name, type, constraints, version, at } = variable;
  const value = keptBytes(type, variable.value);
  const metadata = JSON.stringify(variable.metadata);
  const source = JSON.stringify(variable.source);
  if (version === 0) statements.insertVariable.run(serial, session, name, type, value, constraints, metadata, version, source, at);
  else statements.updateVariable.run(value, metadata, version, source, at, serial);
}

const metadataOf = (text: string): Metadata => (text === "{}" ? noMetadata : parse<Metadata>(text));

// This program alone writes the file, and the schema version says which shape it wrote.
const parse = <A>(text: string): A => JSON.parse(text) as A;
