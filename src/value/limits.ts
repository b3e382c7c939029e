/** Bounds of what travels, and the extension types it uses. */

/** Most containers inside one another that are sent. Python's own readers give up near 1,000. */
export const MAX_DEPTH = 500;

/** Most that are read: more than Python sends, and less than the stack holds. */
export const MAX_READ_DEPTH = 2_000;

/** MessagePack extension types of the protocol. */
export const Extension = {
  /** A point in time. */
  TIMESTAMP: -1,
  /** The buffer with this index. */
  BUFFER: 1,
  /** An integer outside 64 bits. */
  INTEGER: 2,
  /** The input stream with this number. */
  INPUT_STREAM: 3,
  /** The function of the host's with this number. */
  FUNCTION: 4,
  /** An object that a worker stores. */
  OBJECT: 5,
} as const;
