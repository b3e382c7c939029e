/** The durable store as programs without Effect ask for it. */
import type { Layer } from "effect";
import type { InvalidOptions, StoreFailed } from "../errors/index.ts";
import { Store } from "./service.ts";
import type { SqliteOptions } from "./store-sqlite.ts";

export type { SqliteOptions } from "./store-sqlite.ts";

/**
 * Keeps sessions in a file, with the driver that the runtime brings along: `Snakepit.open({ store: sqlite({ file: "sessions.db" }) })`. What was
 * acknowledged survives the end of the process by any means. Several processes of one machine may share the file.
 */
export const sqlite = (options: SqliteOptions): Layer.Layer<Store, InvalidOptions | StoreFailed> => Store.layerSqlite(options);
