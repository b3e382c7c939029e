/** Runs the cases of the client in workerd, as client.program.ts does on other runtimes. Miniflare is a program for Node. */
import process from "node:process";
import { Miniflare } from "miniflare";
import { bundled, COMPATIBILITY_DATE, WORKERD } from "./client.bundle.ts";

const [bench = "", only = ""] = process.argv.slice(2);
const script = await bundled(
  `
  import { runCases } from "./test/client.cases.ts";
  export default {
    async fetch(request) {
      const { bench, only } = await request.json();
      return Response.json(await runCases(bench, only));
    },
  };`,
  WORKERD,
);
const workerd = new Miniflare({ modules: true, script, compatibilityDate: COMPATIBILITY_DATE });
try {
  const response = await workerd.dispatchFetch("http://workerd/", {
    method: "POST",
    body: JSON.stringify({ bench: JSON.parse(bench), only }),
  });
  console.log(await response.text());
} finally {
  await workerd.dispose();
}
process.exit();
