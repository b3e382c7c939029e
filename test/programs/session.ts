import { Snakepit } from "snakepit";

const answers = new Map([["the answer?", "42"]]);

await using pit = await Snakepit.open({ tools: "./tools.py", workers: 2 });

pit.provide("lookup", async ({ question }: { question: string }) => answers.get(question)); // Python may call it

await using session = await pit.session("user-42", { ttlMs: 3_600_000, affinity: "hint" });
await session.variables.register("temperature", { type: "float", value: 0.7, constraints: { min: 0, max: 2 } });
await session.variables.set("temperature", 0.9, { expectedVersion: 0 });
console.log(await session.variables.get("temperature"));
const { value, version, type, constraints, source, metadata, at } = await session.variables.entry("temperature");
console.log(JSON.stringify([value, version, type, constraints, source, metadata, at instanceof Date]));
console.log(await session.variables.update("temperature", (t) => t + 0.1));
console.log(JSON.stringify(await session.variables.getMany(["temperature", "nope"])));
await session.variables.setMany({ temperature: 1.1 }, { atomic: true, expectedVersions: { temperature: 2 } });
for await (const change of session.variables.watch(["temperature"])) {
  const { kind, name, value, version, source, coalesced } = change;
  console.log(JSON.stringify([kind, name, value, version, source, coalesced]));
  break;
}
console.log(await session.execute("remember", { value: 0.5 }));
console.log(await session.execute("ask", { question: "the answer?" }));
console.log(await session.end());
