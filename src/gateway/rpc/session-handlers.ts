/** The handlers of GatewayService that are about sessions. */
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { Effect } from "effect";
import type { SessionInfo } from "../../api/sessions.ts";
import { InvalidOptions, isSnakepitError } from "../../errors/index.ts";
import { type GatewayService, type SessionState, SessionStateSchema } from "../../gen/snakepit/v1/gateway_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import { ownMetadata } from "../../session/records.ts";
import type { OwnedSessions } from "./owned-sessions.ts";

type Handlers = Pick<ServiceImpl<typeof GatewayService>, "openSession" | "getSession" | "listSessions" | "endSession">;

/** Answers what is asked about sessions. */
export function sessionHandlers(pit: Pit, sessions: OwnedSessions): Handlers {
  const run = Effect.runPromiseWith(pit.context);
  return {
    async openSession({ sessionId, ttlMs, metadata, affinity }, { values }) {
      const { handle, created } = await sessions.open(values, sessionId, {
        ttlMs: ttlMs === 0n ? undefined : Number(ttlMs),
        metadata,
        affinity: affinityNamed(affinity),
      });
      return { session: sessionState(await run(handle.info)), created };
    },

    async getSession({ sessionId }, { values }) {
      const info = await sessions.use(values, sessionId, false, (handle) => run(handle.info));
      return { session: sessionState(info) };
    },

    async listSessions(_request, { values }) {
      const all = await sessions.list(values);
      return { sessions: all.map(sessionState) };
    },

    async endSession({ sessionId }, { values }) {
      try {
        return { ended: await sessions.use(values, sessionId, true, (handle) => run(handle.end)) };
      } catch (error) {
        if (isSnakepitError(error) && error._tag === "SessionNotFound") return { ended: false };
        throw error;
      }
    },
  };
}

function affinityNamed(name: string) {
  switch (name) {
    case "":
      return undefined;
    case "hint":
    case "strict-queue":
    case "strict-fail":
      return name;
    default:
      throw new InvalidOptions({ option: "affinity", expected: '"hint", "strict-queue" or "strict-fail"' });
  }
}

const sessionState = ({ id, metadata, ttlMs, createdAt, usedAt, variables, bytes }: SessionInfo): SessionState =>
  create(SessionStateSchema, {
    id,
    metadata: ownMetadata(metadata),
    // For ever, as far as anybody will see.
    ttlMs: BigInt(Math.min(ttlMs, Number.MAX_SAFE_INTEGER)),
    createdAt: timestampFromDate(createdAt),
    usedAt: timestampFromDate(usedAt),
    variables,
    bytes: BigInt(bytes),
  });
