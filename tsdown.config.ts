import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    effect: "src/effect.ts",
    client: "src/client.ts",
    testing: "src/testing.ts",
    cli: "src/cli/main.ts",
  },
  format: "esm",
  platform: "node",
  // Bun brings it along; only the part that runs on Bun asks for it.
  deps: { neverBundle: ["bun:sqlite"] },
  // Where Node does not know `using` yet it is rewritten.
  target: "node22",
  dts: true,
  sourcemap: true,
});
