import { expect, test } from "bun:test";
import { checkGateway, checkServe, type ServeOptions } from "./options.ts";

const wrong: readonly (readonly [option: string, options: object])[] = [
  ["prot", { prot: 7100 }],
  ["port", { port: 70_000 }],
  ["port", { port: "7100" }],
  ["auth", { auth: "all" }],
  ["cors", { cors: "https://a.test" }],
  ["cors", { cors: "*", auth: "none" }],
  ["hosts", { hosts: "pit.test" }],
  ["limits.maxBody", { limits: { maxBody: 1 } }],
  ["limits.concurrent", { limits: { concurrent: 0 } }],
  ["dashboard", { dashboard: 1 }],
  ["drainTimeoutMs", { drainTimeoutMs: -1 }],
];
for (const [option, options] of wrong) {
  test(`${JSON.stringify(options)} is refused by its name`, () => {
    expect(() => checkServe(options as ServeOptions)).toThrow(`Option "${option}" must be`);
  });
}

test("options that make sense are taken, and those of a server only where there is one", () => {
  const options: ServeOptions = { port: 0, auth: { tokenFile: "t" }, cors: ["https://a.test"], limits: { concurrent: 1, maxBodyBytes: 1 } };
  checkServe(options);
  expect(() => checkGateway(options)).toThrow('Option "port" must be left out');
});
