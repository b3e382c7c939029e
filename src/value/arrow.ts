/** Arrow tables: which objects they are and how they become bytes is known to a package that programs need not have. */
import { UnsupportedValue } from "../errors/index.ts";
import { ownBytes } from "./own-bytes.ts";

/** Makes bytes of tables and tables of bytes. */
export interface TableCodec {
  /** Whether a value is a table. */
  isTable(value: object): boolean;
  /** A table as an IPC stream. */
  encode(table: object): Uint8Array;
  /** The table of an IPC stream, which may look at its bytes. Throws for what is none. */
  decode(stream: Uint8Array): unknown;
}

let codec: TableCodec | undefined;

/** Has tables travel from now on, in the whole program. */
export function useTables(tables: TableCodec): void {
  codec = tables;
}

/** The bytes of a table, or undefined when `value` is none, or tables are not known. */
export function tableBytes(value: object): Uint8Array | undefined {
  return codec?.isTable(value) ? codec.encode(value) : undefined;
}

/** Whether a value is what the package apache-arrow calls a table, as far as can be told without it. */
export function looksLikeTable(value: object): boolean {
  return "schema" in value && "batches" in value && Array.isArray(value.batches);
}

/** The table that came. */
export function receiveTable(data: Uint8Array, owned: boolean): unknown {
  if (codec === undefined)
    throw new UnsupportedValue({ path: "$", reason: 'it is an Arrow table; call useArrow of "snakepit/arrow" first' });
  return codec.decode(ownBytes(data, owned));
}
