/**
 * SQLite as each runtime brings it along. Everything is synchronous: a statement takes microseconds, and a transaction that never waits cannot be
 * mixed up with another one of the same program.
 */

/** What a column holds. */
export type SqliteValue = null | number | string | Uint8Array;

/** A row by column name. */
export type SqliteRow = Readonly<Record<string, SqliteValue>>;

/** A prepared statement. Parameters stand for `?` in their order. */
export interface SqliteStatement {
  /** The first row, if there is one. */
  get(...parameters: readonly SqliteValue[]): SqliteRow | undefined;
  /** Every row. */
  all(...parameters: readonly SqliteValue[]): readonly SqliteRow[];
  /** Runs it for what it does. */
  run(...parameters: readonly SqliteValue[]): void;
}

/** An open file. */
export interface SqliteDatabase {
  /** Runs statements that take no parameters, several if separated by semicolons. */
  exec(sql: string): void;
  /** Compiles one statement. */
  prepare(sql: string): SqliteStatement;
  /** Closes the file. Statements are of no use afterwards. */
  close(): void;
}

/** Opens a file, which is made when there is none; ":memory:" for one that nobody else sees. Throws what the runtime's own driver throws. */
export async function openSqlite(file: string): Promise<SqliteDatabase> {
  // Either module exists on one side only, so neither may be imported before it is known which side this is.
  const { open } = process.versions.bun === undefined ? await import("./sqlite-node.ts") : await import("./sqlite-bun.ts");
  return open(file);
}
