/** The calls that wait or run. */
import type { CallStatus } from "../gen/snakepit/v1/admin_pb.ts";
import { Action } from "./action.tsx";
import type { Connection } from "./connection.ts";
import { duration, figure } from "./format.ts";
import type { Standing } from "./status.ts";
import { Table } from "./table.tsx";

/** The oldest calls, each with a button to cancel it. */
export function Calls({ standing: { status }, connection: { admin } }: { readonly standing: Standing; readonly connection: Connection }) {
  const calls = status?.calls ?? [];
  const live = Number(status?.liveCalls ?? 0);
  return (
    <>
      {live > calls.length && (
        <p>
          The oldest {figure(calls.length)} of {figure(live)} calls.
        </p>
      )}
      <Table
        caption="Calls under way"
        rows={calls}
        keyOf={({ id }) => id}
        none="No call waits or runs."
        columns={[
          { title: "Tool", cell: ({ tool }: CallStatus) => <code>{tool}</code> },
          { title: "Pool", cell: ({ pool }) => pool },
          { title: "Session", cell: ({ sessionId }) => sessionId || "–" },
          { title: "Worker", cell: ({ worker }) => worker || "waits" },
          { title: "Age", figures: true, cell: ({ ageMs }) => duration(ageMs) },
          {
            title: "Action",
            cell: ({ id, tool }) => (
              <Action label={`Cancel ${tool}, call ${id}`} run={() => admin.cancelCall(id)}>
                Cancel
              </Action>
            ),
          },
        ]}
      />
    </>
  );
}
