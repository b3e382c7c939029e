// Python calls TypeScript: a tool by name, and a function among the arguments of a call.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./shared.py", import.meta.url), workers: 1 });

const answers = new Map([["capital of Peru", "Lima"]]);
pit.provide("lookup", async ({ question }: { question: string }) => answers.get(question) ?? "nobody knows");

console.log(await pit.execute("ask", { question: "capital of Peru" }));
console.log(await pit.execute("best", { words: ["owl", "albatross", "wren"], score: (word: string) => word.length }));

// Prints:
// Lima
// albatross
