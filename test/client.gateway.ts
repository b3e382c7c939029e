/** The bench of the client's tests as a program of its own: what it offers as JSON on stdout, closed when nobody reads on. */
import process from "node:process";
import { standingBench } from "./client.support.ts";

const standing = await standingBench();
process.stdin
  .on("end", async () => {
    await standing[Symbol.asyncDispose]();
    process.exit();
  })
  .resume();
console.log(JSON.stringify(standing.bench));
