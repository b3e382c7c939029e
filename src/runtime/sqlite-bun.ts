/** SQLite on Bun. */
import { Database } from "bun:sqlite";
import type { SqliteDatabase, SqliteRow, SqliteValue } from "./sqlite.ts";

/** Opens a file with `bun:sqlite`. */
export function open(file: string): SqliteDatabase {
  const database = new Database(file, { create: true, readwrite: true });
  return {
    exec(sql) {
      database.exec(sql);
    },
    prepare(sql) {
      const prepared = database.prepare<SqliteRow, SqliteValue[]>(sql);
      return {
        get: (...parameters) => prepared.get(...parameters) ?? undefined,
        all: (...parameters) => prepared.all(...parameters),
        run(...parameters) {
          prepared.run(...parameters);
        },
      };
    },
    // Statements that nobody finalized do not keep the file open.
    close: () => database.close(false),
  };
}
