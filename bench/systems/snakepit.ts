/** Snakepit through its public API: typed, validated, with deadline, cancellable. */
import { Snakepit } from "snakepit";
import type { Open } from "./system.ts";

export const openSnakepit: Open = async (python) => {
  const pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1, python });
  const [worker] = await pit.workers();
  return {
    echo: (text) => pit.execute<string>("echo", { text }),
    items: (n) => pit.executeStream<string>("items", { n }),
    blob: (data) => pit.execute<Uint8Array>("blob", { data }),
    pid: worker?.pid,
    close: () => pit.close(),
  };
};
