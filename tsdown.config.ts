import { defineConfig } from "tsdown";

/**
 * Imports from "effect" as imports of its modules: its entry loads every one of them, which costs a program on Node 100 ms and 25 MB. The sources keep the
 * shorter form that Effect's own documentation has.
 */
const effectModules = {
  name: "effect-modules",
  transform(code: string, id: string) {
    if (!id.endsWith(".ts") || id.endsWith(".d.ts")) return undefined;
    const changed = code.replace(/^import \{([^}]*)\} from "effect";$/gm, (line: string, names: string) => {
      const values = names
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== "" && !name.startsWith("type "));
      // As many lines as before.
      return values.map((name) => `import * as ${name} from "effect/${name}";`).join(" ") + "\n".repeat(line.split("\n").length - 1);
    });
    // The lines are those of before.
    return { code: changed, map: null };
  },
};

export default defineConfig({
  entry: {
    index: "src/index.ts",
    effect: "src/effect.ts",
    arrow: "src/arrow.ts",
    client: "src/client.ts",
    gateway: "src/gateway.ts",
    testing: "src/testing.ts",
    cli: "src/cli/main.ts",
  },
  format: "esm",
  platform: "node",
  // Bun brings it along; only the part that runs on Bun asks for it.
  deps: { neverBundle: ["bun:sqlite", "bun:ffi"] },
  // Where Node does not know `using` yet it is rewritten.
  target: "node22",
  plugins: [effectModules],
  dts: true,
  sourcemap: true,
});
