/** The first program of the documentation. It ends by itself after the pit is closed. */
import { Snakepit } from "../../src/index.ts";

const pit = await Snakepit.open({ tools: "test/tools/api.py", workers: 2 });
try {
  console.log(await pit.execute("add", { a: 1, b: 2 }));
  for await (const n of pit.executeStream("countdown", { start: 3 })) console.log(n);
  const { signal } = new AbortController();
  console.log(await pit.execute("add", { a: 1 }, { timeoutMs: 5_000, signal, retry: "safe", onProgress() {}, priority: 1 }));
  await pit.ready();
  console.log((await pit.workers()).length, pit.stats().succeeded, (await pit.health()).status);
} finally {
  await pit.close();
}
