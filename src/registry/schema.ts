/** The tables of the registry, and how older files become new ones. */
import type { SqliteDatabase } from "../runtime/sqlite.ts";

/** Marks a file as one of ours: "snkr" in ASCII. */
const APPLICATION_ID = 0x73_6e_6b_72;

/** Each brings a file from the version of its index to the next one. One that was released is never changed again. */
const migrations: readonly string[] = [
  `CREATE TABLE hosts (
     run TEXT PRIMARY KEY,
     machine TEXT NOT NULL,
     boot TEXT NOT NULL,
     pid INTEGER NOT NULL,
     start_time TEXT NOT NULL,
     socket_path TEXT NOT NULL,
     pools TEXT NOT NULL,
     opened_at REAL NOT NULL
   ) STRICT;
   CREATE TABLE processes (
     run TEXT NOT NULL REFERENCES hosts (run) ON DELETE CASCADE,
     id TEXT NOT NULL,
     pool TEXT NOT NULL,
     kind TEXT NOT NULL,
     pid INTEGER NOT NULL,
     start_time TEXT NOT NULL,
     started_at REAL NOT NULL,
     PRIMARY KEY (run, id)
   ) STRICT, WITHOUT ROWID;`,
];

/** The file is not one that this version of the package may write. */
export class ForeignFile extends Error {
  override readonly name = "ForeignFile";
}

/**
 * Brings the file to the present version. Several programs may do so at once.
 *
 * @throws ForeignFile when a later version of this package made the file, or when it is somebody else's.
 */
export function migrate(database: SqliteDatabase, file: string): void {
  // Nothing is locked where there is nothing to do, which is nearly always.
  if (isOurs(database) && versionOf(database) === migrations.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (!isOurs(database) && !isEmpty(database)) throw new ForeignFile(`${file} is no registry of Snakepit`);
    const version = versionOf(database);
    if (version > migrations.length) throw new ForeignFile(`${file} was made by a newer Snakepit`);
    for (const migration of migrations.slice(version)) database.exec(migration);
    // Pragmas take no parameters; both are numbers of ours.
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

const pragma = (database: SqliteDatabase, name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

const versionOf = (database: SqliteDatabase): number => pragma(database, "user_version");

const isOurs = (database: SqliteDatabase): boolean => pragma(database, "application_id") === APPLICATION_ID;

const isEmpty = (database: SqliteDatabase): boolean => database.prepare("SELECT 1 AS found FROM sqlite_schema LIMIT 1").get() === undefined;
