/** Every scenario by name, in the order they run. */
import type { Scenario } from "../scenario.ts";
import { framesHost } from "./frames-host.ts";
import { framesWorker } from "./frames-worker.ts";
import { gateway } from "./gateway.ts";
import { gatewayLoad } from "./gateway-load.ts";
import { hostDeath } from "./host-death.ts";
import { kills } from "./kills.ts";
import { manyCalls } from "./many-calls.ts";
import { races } from "./races.ts";
import { renewal } from "./renewal.ts";
import { slowConsumer } from "./slow-consumer.ts";
import { stopped } from "./stopped.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  kills,
  races,
  stopped,
  "host-death": hostDeath,
  "frames-host": framesHost,
  "slow-consumer": slowConsumer,
  "many-calls": manyCalls,
  renewal,
  gateway,
  "gateway-load": gatewayLoad,
  // Last, so that it has what the others leave of the time: a connection that a broken frame has ended costs a worker.
  "frames-worker": framesWorker,
};
