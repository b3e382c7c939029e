import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Snakepit, sqlite } from "snakepit";

const folder = await mkdtemp(join(tmpdir(), "store-"));
const store = sqlite({ file: join(folder, "sessions.db") });
{
  // No tools, so no worker is started.
  await using pit = await Snakepit.open({ store });
  await using session = await pit.session("user-42");
  await session.variables.register("temperature", { type: "float", value: 0.7 });
  console.log((await pit.workers()).length);
}
{
  await using pit = await Snakepit.open({ tools: "./tools.py", workers: 1, store });
  await using session = await pit.session("user-42");
  console.log(await session.variables.get("temperature"));
  console.log(await session.execute("remember", { value: 0.5 }));
  console.log((await pit.sessions()).map(({ id, variables }) => `${id} ${variables}`).join());
}
await rm(folder, { recursive: true });
