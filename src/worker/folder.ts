/** The private folder of one worker, where its socket is while the two sides meet. */
import { Effect, type Scope } from "effect";
import { makePrivateFolder, type PrivateFolder } from "../runtime/private-folder.ts";

/** A private folder that is removed with its scope. Fails with the system's error when none can be made. */
export const privateFolder: Effect.Effect<PrivateFolder, unknown, Scope.Scope> = Effect.acquireRelease(
  Effect.try({ try: makePrivateFolder, catch: (error) => error }),
  (folder) => Effect.sync(() => folder.remove()),
);
