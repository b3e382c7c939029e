/** What a socket for many small messages is, on every runtime. */

/** Size of the memory that is read into. */
export const READ_BYTES = 262_144;

/** A connected socket. */
export interface StreamSocket {
  /** Bytes that were written and that the kernel has not taken. */
  readonly waiting: number;
  /** Sends bytes. Answers true when their memory may be used again at once; otherwise it is kept until they are gone. */
  write(data: Uint8Array): boolean;
  /** Writes between these two may leave together. */
  cork(): void;
  uncork(): void;
  /** Closes it at once. What waits is lost. */
  destroy(): void;
}

/** What the owner of a socket hears. None of it may throw. */
export interface SocketEvents {
  /** The first `length` bytes of `data` came. They are overwritten after the call. */
  onData(data: Uint8Array, length: number): void;
  /** Everything that waited is gone. */
  onDrain(): void;
  /** It is closed, by either side. Called once, also after {@link StreamSocket.destroy}. */
  onClose(error: Error | undefined): void;
}
