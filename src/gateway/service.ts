/**
 * The gateway for programs written with Effect: `Gateway.layer` opens it over the `Pool` of the program, and closes it with its scope.
 */
import { Context, Effect, Layer } from "effect";
import { familyOnly } from "../errors/family.ts";
import type { InvalidOptions } from "../errors/index.ts";
import { Pool } from "../pit/service.ts";
import type { ServeOptions } from "./options.ts";

export type { GatewayLimits, GatewayOptions, ServeOptions } from "./options.ts";

/** A gateway that listens. */
export class Gateway extends Context.Service<
  Gateway,
  {
    /** Where it is asked, such as "http://127.0.0.1:7100". */
    readonly url: string;
    readonly port: number;
  }
>()("snakepit/gateway/Gateway") {}

/**
 * Opens the gateway of the program's pools with a server of its own. With its scope it takes no more requests, waits for those that run, and closes, before the
 * pools do. Fails with InvalidOptions; dies with the system's error when the address is not to be had.
 *
 * @example
 * const program = Layer.launch(Gateway.layer({ auth: { tokenFile: "tokens.json" } }).pipe(Layer.provide(Pool.layer({ tools: "./tools.py" }))));
 */
export const layer = (options: ServeOptions = {}): Layer.Layer<Gateway, InvalidOptions, Pool> =>
  Layer.effect(
    Gateway,
    Effect.gen(function* () {
      const pool = yield* Pool;
      // Loaded now and not with this module: most programs have no gateway.
      const { serveFace } = yield* Effect.promise(() => import("./gateway.ts"));
      const { url, port } = yield* Effect.acquireRelease(
        Effect.tryPromise({ try: () => serveFace(pool, options), catch: familyOnly<InvalidOptions> }),
        (served) => Effect.promise(() => served.close()),
      );
      return { url, port };
    }),
  );
