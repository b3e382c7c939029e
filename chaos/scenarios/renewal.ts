/** Workers are recycled, reloaded and scaled under load. */
import type { Scenario } from "../scenario.ts";

export const renewal: Scenario = {
  title: "recycling, reloading and scaling under load fail no call",
  share: 0,
  // A gap and no violation, so that it does not pass with --strict until pools can do it.
  run: async () => ({ figures: {}, violations: [], gaps: ["pools neither recycle, reload nor scale yet"] }),
};
