/** Runs the cases of the client on this runtime, against the gateway that its only argument names, and prints what went wrong as JSON by sentence. */
import process from "node:process";
import { runCases } from "./client.cases.ts";

const [bench = "", only] = process.argv.slice(2);
console.log(JSON.stringify(await runCases(JSON.parse(bench), only)));
process.exit();
