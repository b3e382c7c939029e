/** Opens a pit whose tools never finish importing. */
import { Snakepit } from "../../src/index.ts";

await Snakepit.open({ tools: "test/tools/slow_import.py", workers: 1 });
