/** Prints where grpcurl is, which it builds the first time. Exit code 3: it is not there and there is no Go. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GoMissing, installOnce } from "./go.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
try {
  const home = installOnce(root, { name: "grpcurl", module: "github.com/fullstorydev/grpcurl", program: "cmd/grpcurl", version: "v1.9.3" });
  console.log(join(home, "grpcurl"));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof GoMissing ? 3 : 1;
}
