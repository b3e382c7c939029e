/** A session whose worker has something to do that does not end. */
import { expect, test } from "bun:test";
import { Snakepit } from "../src/index.ts";
import { toolFile } from "./pool.support.ts";

test("a def tool that watches keeps no call waiting while another worker is free", async () => {
  await using pit = await Snakepit.open({ tools: [toolFile("session"), toolFile("session_watch")], workers: 2, onLog: () => {} });
  await pit.ready();
  const session = await pit.session("busy");
  await session.variables.register("n", { type: "integer", value: 0 });
  const watch = session.executeStream("watch", { names: ["n"] });
  await watch.next();
  for (let n = 0; n < 4; n++) expect(await session.execute("who", {}, { timeoutMs: 1_000 })).toContain("busy");
});
