/** The tables of a session file, and how older files become new ones. */
import { InvalidOptions } from "../errors/index.ts";
import type { SqliteDatabase } from "../runtime/sqlite.ts";

/** Marks a file as one of ours: "snak" in ASCII. */
const APPLICATION_ID = 0x73_6e_61_6b;

/**
 * Each brings a file from the version of its index to the next one. One that was released is never changed again.
 *
 * Serials are given by `sequence`, once each for the life of the file. `expires_at` is there for its index.
 */
const migrations: readonly string[] = [
  `CREATE TABLE sequence (last INTEGER NOT NULL) STRICT;
   INSERT INTO sequence VALUES (0);
   CREATE TABLE sessions (
     serial INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     ttl_ms REAL NOT NULL,
     created_at REAL NOT NULL,
     used_at REAL NOT NULL,
     expires_at REAL NOT NULL,
     metadata TEXT NOT NULL,
     variables INTEGER NOT NULL,
     bytes INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX sessions_by_expiry ON sessions (expires_at);
   CREATE TABLE variables (
     serial INTEGER PRIMARY KEY,
     session INTEGER NOT NULL REFERENCES sessions (serial) ON DELETE CASCADE,
     name TEXT NOT NULL,
     type TEXT NOT NULL,
     value BLOB NOT NULL,
     constraints TEXT NOT NULL,
     metadata TEXT NOT NULL,
     version INTEGER NOT NULL,
     source TEXT NOT NULL,
     at REAL NOT NULL,
     UNIQUE (session, name)
   ) STRICT;`,
];

/** The version that this program reads and writes. */
const SCHEMA_VERSION = migrations.length;

/**
 * Brings the file to the present version. Two programs may do so at once.
 *
 * @throws InvalidOptions when a later version of this package made the file, or when it is somebody else's.
 */
export function migrate(database: SqliteDatabase, file: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = pragma(database, "user_version");
    if (pragma(database, "application_id") !== APPLICATION_ID && (version !== 0 || hasTables(database))) {
      throw new InvalidOptions({ option: "store.file", expected: `a session file of Snakepit, which ${file} is not` });
    }
    if (version > SCHEMA_VERSION) {
      throw new InvalidOptions({
        option: "store.file",
        expected: `a session file up to schema version ${SCHEMA_VERSION}; ${file} has version ${version}, made by a newer Snakepit`,
      });
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    // Pragmas take no parameters; both are numbers of ours.
    if (version < SCHEMA_VERSION) database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

const pragma = (database: SqliteDatabase, name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

const hasTables = (database: SqliteDatabase): boolean =>
  database.prepare("SELECT 1 AS found FROM sqlite_schema LIMIT 1").get() !== undefined;
