import { Snakepit } from "snakepit";

const pit = await Snakepit.open({ tools: "./tools.py", workers: 1 });
try {
  console.log(await pit.execute("add", { a: 1, b: 2 }));
  for await (const n of pit.executeStream<number>("countdown", { start: 1_000_000 })) {
    console.log(n);
    if (n <= 999_999) break;
  }
} finally {
  await pit.close();
  await pit.close();
}
