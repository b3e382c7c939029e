/** A program as one module for where there is nothing but the language and `fetch`. Fails when it needs a module of Node. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The program, whose imports are found from the root of the repository. */
export async function bundled(program: string, conditions: readonly string[] = ["browser"]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: [...conditions],
    logLevel: "silent",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild gave no output");
  return output.text;
}
