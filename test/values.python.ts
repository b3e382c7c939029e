/** A Python process for the tests of values, and how it is asked. */
import { resolve } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BufferSchema, type Buffer as WireBuffer } from "../src/gen/snakepit/v1/value_pb.ts";
import { ExecuteToolRequestSchema, ExecuteToolResponseSchema } from "../src/gen/snakepit/v1/worker_pb.ts";
import { decode, Encoder } from "../src/value/index.ts";

const root = resolve(import.meta.dirname, "..");

export interface Python {
  /** Runs a tool of test/tools/values.py. */
  call(tool: string, args: object): Promise<unknown>;
  close(): Promise<void>;
}

export function startPython(): Python {
  const child = Bun.spawn([`${root}/.venv/bin/python`, `${root}/test/tools/values_peer.py`], {
    stdin: "pipe",
    stdout: "pipe",
    env: { PYTHONPATH: `${root}/python/src` },
  });
  const reader = child.stdout.getReader();
  let read = new Uint8Array(0);
  const take = async (size: number): Promise<Uint8Array> => {
    while (read.length < size) {
      const { value, done } = await reader.read();
      if (done) throw new Error("Python is gone");
      read = Buffer.concat([read, value]);
    }
    const taken = read.slice(0, size);
    read = read.slice(size);
    return taken;
  };
  const encoder = new Encoder();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (tool: string, args: object): Promise<unknown> => {
    const buffers: WireBuffer[] = [];
    const packed = encoder.encode(args, {
      buffer: (data, dtype, shape, kind) =>
        buffers.push(create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location: { case: "inline", value: data } })) - 1,
    });
    const body = toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, { tool, args: packed, buffers }));
    const head = new DataView(new ArrayBuffer(4));
    head.setUint32(0, body.length, true);
    child.stdin.write(new Uint8Array(head.buffer));
    child.stdin.write(body);
    child.stdin.flush();
    const length = Buffer.from(await take(4)).readUInt32LE();
    const answer = await take(length);
    if (answer[0] === 1) throw new Error(new TextDecoder().decode(answer.subarray(1)));
    const response = fromBinary(ExecuteToolResponseSchema, answer.subarray(1));
    return decode(
      response.result,
      0,
      response.result.length,
      response.buffers.map((buffer) => ({
        data: buffer.location.case === "inline" ? buffer.location.value : new Uint8Array(0),
        dtype: buffer.dtype,
        shape: buffer.shape.map(Number),
        kind: buffer.kind,
        owned: false,
      })),
    );
  };
  return {
    call(tool, args) {
      const answer = last.then(() => ask(tool, args));
      last = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      await child.stdin.end();
      await child.exited;
    },
  };
}
