/** Every scenario by name, in the order they run. */
import type { Scenario } from "../scenario.ts";
import { hostDeath } from "./host-death.ts";
import { kills } from "./kills.ts";
import { races } from "./races.ts";
import { renewal } from "./renewal.ts";
import { stopped } from "./stopped.ts";

export const scenarios: Readonly<Record<string, Scenario>> = { kills, races, stopped, "host-death": hostDeath, renewal };
