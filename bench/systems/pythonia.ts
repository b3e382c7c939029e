/** pythonia: Python objects as proxies here, lines of JSON over pipes. */
import type { ChildProcess } from "node:child_process";
import { beside, ended, load } from "./peer.ts";
import type { Open } from "./system.ts";

interface Work {
  echo(text: string): Promise<string>;
  blob64(data: string): Promise<string>;
  items(n: number): Promise<AsyncIterable<string>>;
}
interface Package {
  python(file: string): Promise<Work>;
  readonly com: { readonly proc: ChildProcess };
}

export const openPythonia: Open = async (python) => {
  process.env["PYTHON_BIN"] = python;
  const { python: importFile, com } = load<Package>("pythonia");
  const work = await importFile(beside("text_work.py"));
  return {
    echo: (text) => work.echo(text),
    async *items(n) {
      yield* await work.items(n);
    },
    // It turns bytes into text by their repr.
    blob: async (data) => Buffer.from(await work.blob64(Buffer.from(data).toString("base64")), "base64"),
    pid: com.proc.pid,
    close: () => ended(com.proc),
  };
};
