/** A Python process for each call, as `child_process` has it: what there is without any package. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { beside } from "./peer.ts";
import type { Open } from "./system.ts";

export const openSpawn: Open = async (python) => {
  const call = async (name: string, input: Uint8Array): Promise<Buffer> => {
    const child = spawn(python, [beside("once.py"), name], { stdio: ["pipe", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin.end(input);
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`exit code ${code}`);
    return Buffer.concat(chunks);
  };
  return {
    echo: async (text) => (await call("echo", Buffer.from(text))).toString(),
    async *items(n) {
      const child = spawn(python, [beside("once.py"), "items", String(n)], { stdio: ["ignore", "pipe", "inherit"] });
      yield* createInterface({ input: child.stdout });
    },
    blob: (data) => call("blob", data),
    pid: undefined,
    close: async () => {},
  };
};
