/** zeromq with MessagePack: a dealer here, a router in Python, over a Unix socket. It has no calls, so ours are numbered by hand. */
import { type Answer, load, Questions, startServer } from "./peer.ts";
import type { Open } from "./system.ts";

interface ZeroMq {
  readonly Dealer: new (options: {
    sendHighWaterMark: number;
    receiveHighWaterMark: number;
  }) => AsyncIterable<[Uint8Array]> & {
    connect(address: string): void;
    send(message: Uint8Array): Promise<void>;
    close(): void;
  };
}
interface MsgPackR {
  readonly Packr: new (options: { useRecords: boolean }) => { pack(value: unknown): Uint8Array; unpack(bytes: Uint8Array): Answer };
}

export const openZeroMq: Open = async (python) => {
  const { Dealer } = load<ZeroMq>("zeromq");
  const { Packr } = load<MsgPackR>("msgpackr");
  const codec = new Packr({ useRecords: false });
  const server = await startServer(python, "zeromq_router.py");
  const dealer = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  dealer.connect(`ipc://${server.socket}`);

  const waiting: Uint8Array[] = [];
  let sending = false;
  // A dealer takes one message at a time.
  const send = async (): Promise<void> => {
    sending = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await dealer.send(next);
    sending = false;
  };
  const questions = new Questions((question) => {
    waiting.push(codec.pack(question));
    if (!sending) void send();
  });
  const read = async (): Promise<void> => {
    for await (const [message] of dealer) questions.answer(codec.unpack(message));
  };
  void read();
  return {
    echo: (text) => questions.ask<string>("echo", text),
    items: (n) => questions.stream("items", n),
    blob: (data) => questions.ask<Uint8Array>("blob", data),
    pid: server.pid,
    async close() {
      dealer.close();
      await server.close();
    },
  };
};
