/** SQLite on Bun. */
import { Database } from "bun:sqlite";
import type { SqliteDatabase, SqliteRow, SqliteValue } from "./sqlite.ts";

/** Opens a file with `bun:sqlite`. */
export function open(file: string): SqliteDatabase {
  const database = new Database(file, { create: true, readwrite: true });
  // A statement that nobody finalizes keeps the file open, and its log, after the database was closed.
  const statements: { finalize(): void }[] = [];
  return {
    exec(sql) {
      database.exec(sql);
    },
    prepare(sql) {
      const prepared = database.prepare<SqliteRow, SqliteValue[]>(sql);
      statements.push(prepared);
      return {
        get: (...parameters) => prepared.get(...parameters) ?? undefined,
        all: (...parameters) => prepared.all(...parameters),
        run(...parameters) {
          prepared.run(...parameters);
        },
      };
    },
    close() {
      for (const statement of statements) statement.finalize();
      database.close();
    },
  };
}
