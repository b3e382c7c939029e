/** The gateway of a program written with Effect. */
import { expect, test } from "bun:test";
import { Effect, Layer } from "effect";
import { Gateway, Pool } from "../src/effect.ts";
import { failure, toolFile } from "./pool.support.ts";

const pool = Pool.layer({ tools: toolFile("api"), workers: 1 });
const add = (url: string): Promise<string> =>
  fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"tool":"add","args":{"a":1,"b":2}}',
  }).then((response) => response.text());

test("a layer serves the pools of the program, and closes with its scope", async () => {
  const program = Effect.gen(function* () {
    const { url } = yield* Gateway.Gateway;
    return { url, answer: yield* Effect.promise(() => add(url)) };
  });
  const { url, answer } = await Effect.runPromise(
    program.pipe(Effect.provide(Gateway.layer({ port: 0, auth: "none" }).pipe(Layer.provide(pool)))),
  );
  expect(answer).toBe('{"result":3}');
  await expect(add(url)).rejects.toThrow();
});

test("options that make no sense are a failure", async () => {
  const layer = Gateway.layer({ port: 0, auth: "none", cors: "*" }).pipe(Layer.provide(pool));
  expect(await failure(Effect.runPromise(Effect.void.pipe(Effect.provide(layer))))).toMatchObject({
    _tag: "InvalidOptions",
    option: "cors",
  });
});
