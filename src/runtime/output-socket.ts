/** Hears the output of a process that was not started here, through a Unix socket that it connects its stdout or stderr to. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { hear } from "./lines.ts";

/** Where one stream of output of one process is heard. */
export interface OutputSocket {
  /** Resolves when the process and whoever it gave the stream to have closed it, and the last line was heard. Never rejects. */
  readonly closed: Promise<void>;
  /** Hears no more. A second time does nothing. */
  close(): void;
}

/** Listens at `path` for one connection, and gives each line that comes over it to `onLine`. Rejects with the system's error when nobody can listen there. */
export async function listenForOutput(path: string, onLine: (line: string) => void): Promise<OutputSocket> {
  const closed = Promise.withResolvers<void>();
  let connected: Socket | undefined;
  const server = createServer((socket) => {
    if (connected !== undefined) {
      socket.destroy();
      return;
    }
    connected = socket;
    server.close();
    void hear(socket, onLine).then(closed.resolve);
  });
  server.listen(path);
  await once(server, "listening");
  return {
    closed: closed.promise,
    close() {
      server.close();
      if (connected === undefined) closed.resolve();
      else connected.destroy();
    },
  };
}
