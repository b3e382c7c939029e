/** What happens to sessions and their variables, as a pit tells it. */
import { Effect } from "effect";
import type { Said, Telemetry } from "../telemetry/telemetry.ts";
import type { SessionEvent } from "./manager.ts";
import type { VariableRecord } from "./records.ts";
import type { StoreService } from "./store.ts";

/** The event of a pit that stands for one of its sessions. */
export function sessionEvent(event: SessionEvent): Said {
  const session = event.session.id;
  if (event.kind === "moved") return { type: "session.moved", session, from: event.from, to: event.to };
  return { type: `session.${event.kind}`, session };
}

/** A store whose changes are told. What other programs change in a store that they share is theirs to tell. */
export function observedStore(store: StoreService, telemetry: Telemetry): StoreService {
  return {
    open: (request) => store.open(request),
    load: (key, wanted, now) => store.load(key, wanted, now),
    remove: (key, now) => store.remove(key, now),
    expire: (now) => store.expire(now),
    list: (now) => store.list(now),
    listen: (session, listener) => store.listen(session, listener),
    change(key, wanted, now, decide) {
      if (!telemetry.active) return store.change(key, wanted, now, decide);
      let told: readonly Said[] = [];
      const changed = store.change(key, wanted, now, (loaded, nextSerial) => {
        const decision = decide(loaded, nextSerial);
        const { id } = loaded.session;
        told = [
          ...decision.puts.map((variable): Said => ({ type: "variable.set", ...nameOf(id, variable), source: variable.source })),
          ...decision.deletes.map((variable): Said => ({ type: "variable.deleted", ...nameOf(id, variable) })),
        ];
        return decision;
      });
      // A store may decide again, or fail after it has decided: told is what was kept.
      const tell = Effect.sync(() => {
        for (const said of told) telemetry.say(said);
      });
      return Effect.tap(changed, () => tell);
    },
  };
}

const nameOf = (session: string, { name, version }: VariableRecord) => ({ session, name, version });
