/** Variables and changes as the messages of the protocol. */

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Source } from "../api/variables.ts";
import {
  Source_Side,
  type Variable,
  type VariableChange,
  VariableChange_Kind,
  VariableChangeSchema,
  VariableSchema,
} from "../gen/snakepit/v1/session_pb.ts";
import { idOf, type VariableRecord } from "./records.ts";
import { keptBytes } from "./variable-value.ts";
import type { Ended, Watched } from "./watch-buffer.ts";

/** The message of a variable. */
export const variableMessage = (variable: VariableRecord): Variable =>
  create(VariableSchema, {
    id: idOf(variable),
    name: variable.name,
    type: variable.type,
    value: keptBytes(variable.type, variable.value),
    constraintsJson: variable.constraints,
    metadata: { ...variable.metadata },
    version: BigInt(variable.version),
    source: sourceMessage(variable.source),
    at: timestampFromMs(variable.at),
  });

/** The message of a change. */
export function changeMessage(change: Watched | Ended): VariableChange {
  if (change.kind === "ended") return create(VariableChangeSchema, { kind: VariableChange_Kind.ENDED });
  return create(VariableChangeSchema, {
    kind: change.kind === "set" ? VariableChange_Kind.SET : VariableChange_Kind.DELETED,
    variable: variableMessage(change.variable),
    coalesced: BigInt(change.coalesced),
  });
}

/** The message of who made a change. */
export const sourceMessage = ({ side, worker = "", tool = "", call = 0 }: Source) => ({
  side: side === "python" ? Source_Side.PYTHON : Source_Side.TYPESCRIPT,
  workerId: worker,
  tool,
  call,
});
