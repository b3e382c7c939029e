/** SQLite on Node and Deno. */
import { DatabaseSync } from "node:sqlite";
import type { SqliteDatabase, SqliteRow, SqliteStatement, SqliteValue } from "./sqlite.ts";

/** Opens a file with `node:sqlite`. */
export function open(file: string): SqliteDatabase {
  const database = new DatabaseSync(file);
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => statement(database.prepare(sql)),
    close: () => database.close(),
  };
}

type NodeStatement = ReturnType<DatabaseSync["prepare"]>;

// No statement here asks for integers beyond 2^53, which alone would come as bigint.
const row = (found: object): SqliteRow => found as SqliteRow;

const statement = (prepared: NodeStatement): SqliteStatement => ({
  get(...parameters: readonly SqliteValue[]) {
    const found = prepared.get(...parameters);
    return found === undefined ? undefined : row(found);
  },
  all: (...parameters) => prepared.all(...parameters).map(row),
  run(...parameters) {
    prepared.run(...parameters);
  },
});
