/**
 * The registry's file, which all programs of a user share. Everything here throws what SQLite says; `registry.ts` lives on with it.
 *
 * The write-ahead log lets the many read while one writes. Nothing waits for the disk: losing power ends every process that stands here, and a file that
 * it damaged is made anew.
 */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { openSqlite, type SqliteDatabase, type SqliteRow, type SqliteStatement } from "../runtime/sqlite.ts";
import type { HostRecord, ProcessKind, ProcessRecord } from "./records.ts";
import { migrate } from "./schema.ts";

/** How long a statement waits for another program's, in milliseconds. This program stands still meanwhile. */
const BUSY_MS = 3;

/** What is wrong with a file, as far as it matters: it is damaged; another program is writing; anything else. */
export type Fault = "damaged" | "busy" | "other";

/** Which fault an error of SQLite tells of. The runtimes' drivers agree on nothing but SQLite's own words. */
export function faultOf(error: unknown): Fault {
  const message = error instanceof Error ? error.message : "";
  if (/malformed|not a database|damaged/.test(message)) return "damaged";
  return /locked|busy/.test(message) ? "busy" : "other";
}

/** Which file is there; undefined when there is none. */
export const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

/** A host's rows. */
export interface HostRows {
  readonly host: HostRecord;
  readonly processes: Iterable<ProcessRecord>;
}

/** An open registry. */
export class RegistryFile {
  readonly path: string;
  /** Which file it is, whatever its name may be by now. */
  readonly inode: number;
  readonly #database: SqliteDatabase;
  readonly #statements: Statements;

  private constructor(path: string, inode: number, database: SqliteDatabase) {
    this.path = path;
    this.inode = inode;
    this.#database = database;
    this.#statements = prepare(database);
  }

  /**
   * Opens it, and makes the file and its private folder (0700) where they are missing. Throws ForeignFile for a file that is not ours.
   *
   * @param before What {@link inodeOf} said before. Looked at afterwards, it might be a file that another program has put there since.
   */
  static async open(path: string, before: number | undefined): Promise<RegistryFile> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const database = await openSqlite(path);
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON`);
      migrate(database, path);
      // Not before: it would be written into a file that is not ours.
      database.exec("PRAGMA journal_mode = WAL");
      // Takes a tenth of a millisecond: there are few rows.
      if (database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"] !== "ok") throw new Error(`${path} is damaged`);
      chmodSync(path, 0o600);
      return new RegistryFile(path, before ?? statSync(path).ino, database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Whether the file is still the one that others find. Who has removed its folder, or moved it aside, has not asked us. */
  get inPlace(): boolean {
    return inodeOf(this.path) === this.inode;
  }

  /** Every host. */
  hosts(): readonly HostRecord[] {
    return this.#statements.hosts.all().map(hostOf);
  }

  /** The processes of one host. */
  processes(run: string): readonly ProcessRecord[] {
    return this.#statements.processes.all(run).map(processOf);
  }

  /** Writes a host's row, a new one or in place of the old one. */
  putHost({ run, machine, boot, pid, startTime, socketPath, pools, openedAt }: HostRecord): void {
    this.#statements.putHost.run(run, machine, boot, pid, startTime, socketPath, JSON.stringify(pools), openedAt);
  }

  /** Removes a host and its processes. */
  removeHost(run: string): void {
    this.#statements.removeHost.run(run);
  }

  /** Writes a process' row, a new one or in place of the old one. */
  putProcess({ run, id, pool, kind, pid, startTime, startedAt }: ProcessRecord): void {
    this.#statements.putProcess.run(run, id, pool, kind, pid, startTime, startedAt);
  }

  /** Removes a process. */
  removeProcess(run: string, id: string): void {
    this.#statements.removeProcess.run(run, id);
  }

  /** Writes all rows of some hosts at once, and removes all of others. */
  replace(hosts: Iterable<HostRows>, gone: Iterable<string>): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const run of gone) this.removeHost(run);
      for (const { host, processes } of hosts) {
        this.removeHost(host.run);
        this.putHost(host);
        for (const process of processes) this.putProcess(process);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** Closes it. */
  close(): void {
    this.#database.close();
  }

  /** SQLite ends some failed transactions by itself; what failed is the error to tell. */
  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {}
  }
}

type Statements = Readonly<Record<"hosts" | "processes" | "putHost" | "removeHost" | "putProcess" | "removeProcess", SqliteStatement>>;

const prepare = (database: SqliteDatabase): Statements => ({
  hosts: database.prepare("SELECT * FROM hosts ORDER BY opened_at, run"),
  processes: database.prepare("SELECT * FROM processes WHERE run = ? ORDER BY started_at, id"),
  putHost: database.prepare(
    `INSERT INTO hosts (run, machine, boot, pid, start_time, socket_path, pools, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET socket_path = excluded.socket_path, pools = excluded.pools`,
  ),
  removeHost: database.prepare("DELETE FROM hosts WHERE run = ?"),
  putProcess: database.prepare(
    `INSERT INTO processes (run, id, pool, kind, pid, start_time, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET pid = excluded.pid, start_time = excluded.start_time`,
  ),
  removeProcess: database.prepare("DELETE FROM processes WHERE run = ? AND id = ?"),
});

const hostOf = (row: SqliteRow): HostRecord => ({
  run: String(row["run"]),
  machine: String(row["machine"]),
  boot: String(row["boot"]),
  pid: Number(row["pid"]),
  startTime: String(row["start_time"]),
  socketPath: String(row["socket_path"]),
  pools: namesIn(String(row["pools"])),
  openedAt: Number(row["opened_at"]),
});

const processOf = (row: SqliteRow): ProcessRecord => ({
  run: String(row["run"]),
  id: String(row["id"]),
  pool: String(row["pool"]),
  kind: kindOf(row["kind"]),
  pid: Number(row["pid"]),
  startTime: String(row["start_time"]),
  startedAt: Number(row["started_at"]),
});

const kindOf = (value: unknown): ProcessKind => (value === "fork server" ? value : "worker");

function namesIn(json: string): readonly string[] {
  const names: unknown = JSON.parse(json);
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}
