/** The workers, and what can be done to them. */
import type { WorkerStatus } from "../gen/snakepit/v1/admin_pb.ts";
import { Action } from "./action.tsx";
import type { Connection } from "./connection.ts";
import { duration, figure, memory } from "./format.ts";
import type { Standing } from "./status.ts";
import { Table } from "./table.tsx";

/** Every worker with its state, and buttons to kill one or to reload all. */
export function Workers({ standing: { status }, connection: { admin } }: { readonly standing: Standing; readonly connection: Connection }) {
  return (
    <>
      <p>
        <Action run={() => admin.reloadTools()}>Reload tools</Action>
      </p>
      <Table
        caption="Workers"
        rows={status?.workers ?? []}
        keyOf={({ id }) => id}
        none="No worker is running."
        columns={[
          { title: "Worker", cell: ({ id }: WorkerStatus) => id },
          { title: "Pool", cell: ({ pool }) => pool },
          { title: "State", cell: ({ status: state }) => <span class={`state ${state}`}>{state}</span> },
          { title: "Process", figures: true, cell: ({ pid }) => (pid === 0 ? "–" : String(pid)) },
          { title: "Memory", figures: true, cell: ({ memoryBytes }) => memory(memoryBytes) },
          { title: "Calls", figures: true, cell: ({ calls }) => figure(calls) },
          { title: "Age", figures: true, cell: ({ uptimeMs }) => duration(uptimeMs) },
          { title: "Started by", cell: ({ startedBy }) => startedBy },
          {
            title: "Action",
            cell: ({ id }) => (
              <Action
                label={`Kill ${id}`}
                confirm={`Kill ${id}? Its calls are retried where that is safe, and fail otherwise.`}
                run={() => admin.killWorker(id)}
              >
                Kill
              </Action>
            ),
          },
        ]}
      />
    </>
  );
}
