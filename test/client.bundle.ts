/** A program as one module for where there is nothing but the language and `fetch`. Fails when it needs a module of Node. */
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What workerd looks for in packages. */
export const WORKERD: readonly string[] = ["workerd", "worker", "browser"];

/** How workerd behaves: as it did on this day. An older one takes the deadline of a request for a cancel. */
export const COMPATIBILITY_DATE = "2026-06-01";

/** A program, whose imports are found from the root of the repository. */
export const bundled = (program: string, conditions?: readonly string[]): Promise<string> =>
  bundle({ stdin: { contents: program, resolveDir: root, loader: "ts" } }, conditions);

/** A program that imports the package by its name, as it is in the sources now. */
export const bundledFile = (path: string, conditions?: readonly string[]): Promise<string> => bundle({ entryPoints: [path] }, conditions);

async function bundle(what: Pick<BuildOptions, "stdin" | "entryPoints">, conditions: readonly string[] = ["browser"]): Promise<string> {
  const { outputFiles } = await build({
    ...what,
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: [...conditions],
    alias: { "snakepit/client": fileURLToPath(new URL("../src/client.ts", import.meta.url)) },
    logLevel: "silent",
  });
  const [output] = outputFiles ?? [];
  if (output === undefined) throw new Error("esbuild gave no output");
  return output.text;
}
