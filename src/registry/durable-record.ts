/**
 * What this program has to say in the registry, in memory and in the file.
 *
 * The memory is the truth and the file follows it. A write takes some ten microseconds and is made at once; one that fails leaves the file behind, and
 * later all rows are written again. So a file that is busy, full, read-only, damaged or removed costs no caller anything.
 */
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { faultOf, inodeOf, RegistryFile } from "./file.ts";
import { moveAside } from "./move-aside.ts";
import type { HostRecord, ProcessRecord } from "./records.ts";
import { ForeignFile } from "./schema.ts";

/** How long a file that failed is left alone: twice as long after each failure, up to the longest. In milliseconds. */
const RETRY_MS = 20;
const LONGEST_RETRY_MS = 60_000;
/** How often a file is tried that other programs are writing, by those who can wait. */
const TRIES = 20;

/** What the owner of a record hears of its file. */
export interface RecordEvents {
  /** It cannot be used, and why. Told once. */
  onUnavailable(reason: string): void;
  /** It was damaged. It was moved there, and a new one is made. */
  onDamaged(movedTo: string): void;
}

/** The rows of this program. Nothing here throws. */
export class DurableRecord {
  readonly #path: string;
  readonly #existing: boolean;
  readonly #events: RecordEvents;
  readonly #hosts = new Map<string, { readonly host: HostRecord; readonly processes: Map<string, ProcessRecord> }>();
  /** Hosts that have gone while the file was behind: their rows may still stand in it. */
  readonly #gone = new Set<string>();
  #file: RegistryFile | undefined;
  #behind = true;
  #busy = false;
  #told = false;
  #refused = false;
  #closed = false;
  #failures = 0;
  #catchingUp: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(path: string, existing: boolean, events: RecordEvents) {
    this.#path = path;
    this.#existing = existing;
    this.#events = events;
  }

  /** Opens the file. Makes it where there is none, and a new one where it is damaged, unless it is to be taken as it is. */
  static async open(path: string, existing: boolean, events: RecordEvents): Promise<DurableRecord> {
    const record = new DurableRecord(path, existing, events);
    await record.#catchUp();
    return record;
  }

  /** Writes a host's row, a new one or in place of the old one. */
  putHost(host: HostRecord): void {
    this.#hosts.set(host.run, { host, processes: this.#hosts.get(host.run)?.processes ?? new Map() });
    this.#write((file) => file.putHost(host));
  }

  /** Removes a host of this program and its processes. */
  removeHost(run: string): void {
    this.#hosts.delete(run);
    this.#gone.add(run);
    this.#write((file) => {
      file.removeHost(run);
      this.#gone.delete(run);
    });
  }

  /** Writes a process' row, a new one or in place of the old one. Ignored when its host has gone. */
  putProcess(process: ProcessRecord): void {
    const rows = this.#hosts.get(process.run);
    if (rows === undefined) return;
    rows.processes.set(process.id, process);
    this.#write((file) => file.putProcess(process));
  }

  /** Removes a process. */
  removeProcess({ run, id }: Pick<ProcessRecord, "run" | "id">): void {
    if (this.#hosts.get(run)?.processes.delete(id)) this.#write((file) => file.removeProcess(run, id));
  }

  /** Looks at the file, or removes from it what is no longer true. Undefined when that is not possible now. */
  use<A>(look: (file: RegistryFile) => A): A | undefined {
    if (this.#file === undefined) return undefined;
    try {
      return look(this.#file);
    } catch (error) {
      this.#fail(error, this.#file.inode);
      return undefined;
    }
  }

  /** Waits a moment for a file that other programs are writing. */
  async settle(): Promise<void> {
    for (let tries = 0; this.#behind && this.#busy && tries < TRIES; tries++) {
      await sleep(RETRY_MS);
      await this.#catchUp();
    }
  }

  /** Closes the file, after a few more tries to write what has changed last. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#catchingUp;
    await this.settle();
    this.#file?.close();
    this.#file = undefined;
  }

  #write(change: (file: RegistryFile) => void): void {
    const file = this.#file;
    try {
      if (!this.#behind && file?.inPlace) change(file);
      else this.#fallBehind();
    } catch (error) {
      this.#fail(error, file?.inode);
    }
  }

  /** Opens the file if need be, and writes all rows. One after the other: it is one file. */
  #catchUp(): Promise<void> {
    this.#catchingUp = this.#catchingUp.then(() => this.#tryToCatchUp());
    return this.#catchingUp;
  }

  async #tryToCatchUp(): Promise<void> {
    let inode = this.#file?.inode;
    try {
      if (this.#file?.inPlace !== true) {
        this.#file?.close();
        this.#file = undefined;
        inode = inodeOf(this.#path);
        if (this.#existing && inode === undefined) return;
        this.#file = await RegistryFile.open(this.#path, inode);
      }
      const rows = Array.from(this.#hosts.values(), ({ host, processes }) => ({ host, processes: processes.values() }));
      if (rows.length > 0 || this.#gone.size > 0) this.#file.replace(rows, this.#gone);
      this.#gone.clear();
      this.#behind = false;
      this.#failures = 0;
    } catch (error) {
      this.#fail(error, inode);
    }
  }

  #fail(error: unknown, inode: number | undefined): void {
    const fault = faultOf(error);
    this.#busy = fault === "busy";
    if (fault === "damaged" && !this.#existing) this.#moveAside(inode);
    else if (fault !== "busy") this.#tellUnavailable(error);
    this.#refused ||= error instanceof ForeignFile;
    this.#fallBehind();
  }

  #moveAside(inode: number | undefined): void {
    this.#file?.close();
    this.#file = undefined;
    try {
      const movedTo = moveAside(this.#path, inode, Date.now());
      if (movedTo !== undefined) this.#events.onDamaged(movedTo);
    } catch (error) {
      this.#tellUnavailable(error);
    }
  }

  #tellUnavailable(error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    this.#events.onUnavailable(error instanceof Error ? error.message : String(error));
  }

  #fallBehind(): void {
    this.#behind = true;
    if (this.#closed || this.#refused || this.#existing || this.#timer !== undefined) return;
    const delay = Math.min(RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#catchUp();
    }, delay);
    // The program may end before.
    this.#timer.unref();
  }
}
