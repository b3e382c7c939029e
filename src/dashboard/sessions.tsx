/** The sessions, and the variables of one as they change. */
import { useEffect, useState } from "preact/hooks";
import type { SessionInfo } from "../api/sessions.ts";
import type { VariableChange } from "../api/variables.ts";
import { Action } from "./action.tsx";
import type { Connection } from "./connection.ts";
import { clock, duration, figure, memory, pretty } from "./format.ts";
import { following } from "./status.ts";
import { Table } from "./table.tsx";

/** A table to choose from, and the variables of the one that is chosen. */
export function Sessions({ connection: { pit } }: { readonly connection: Connection }) {
  const [sessions, setSessions] = useState<readonly SessionInfo[]>();
  const [chosen, setChosen] = useState("");
  const [failure, setFailure] = useState("");
  useEffect(
    () =>
      following(async () => {
        setSessions(await pit.sessions());
        setFailure("");
      }, setFailure),
    [pit],
  );
  return (
    <>
      {failure !== "" && <p class="failure">{failure}</p>}
      <Table
        caption="Sessions"
        rows={sessions ?? []}
        keyOf={({ id }) => id}
        none={sessions === undefined ? "Asking for the sessions …" : "There is no session."}
        columns={[
          {
            title: "Session",
            cell: ({ id }: SessionInfo) => (
              <button type="button" class="link" aria-pressed={id === chosen} onClick={() => setChosen(id === chosen ? "" : id)}>
                {id}
              </button>
            ),
          },
          { title: "Variables", figures: true, cell: ({ variables }) => figure(variables) },
          { title: "Size", figures: true, cell: ({ bytes }) => memory(BigInt(bytes)) },
          { title: "Made", cell: ({ createdAt }) => clock(createdAt.getTime()) },
          { title: "Used", cell: ({ usedAt }) => clock(usedAt.getTime()) },
          { title: "Lives unused", figures: true, cell: ({ ttlMs }) => duration(ttlMs) },
        ]}
      />
      {chosen !== "" && <Variables key={chosen} id={chosen} pit={pit} />}
    </>
  );
}

function Variables({ id, pit }: { readonly id: string; readonly pit: Connection["pit"] }) {
  const [variables, setVariables] = useState<ReadonlyMap<string, VariableChange>>(new Map());
  const [said, setSaid] = useState("");
  useEffect(
    () =>
      following(async (signal) => {
        // To open one that has ended would make it anew.
        const isThere = (await pit.sessions()).some((session) => session.id === id);
        setSaid(isThere ? "" : "The session has ended.");
        // A new watch tells everything that is there again.
        setVariables(new Map());
        if (!isThere || signal.aborted) return;
        const session = await pit.session(id);
        try {
          // Nothing tells of an abort that has been.
          if (signal.aborted) return;
          const changes = session.variables.watch();
          signal.addEventListener("abort", () => void changes.return?.());
          for await (const change of changes) {
            setVariables((before) => {
              const after = new Map(before);
              if (change.kind === "set") after.set(change.id, change);
              else after.delete(change.id);
              return after;
            });
          }
        } finally {
          await session.close();
        }
      }, setSaid),
    [id, pit],
  );
  return (
    <section aria-label={`Variables of ${id}`}>
      <p>
        <Action confirm={`End the session ${id}? What it holds is gone.`} run={async () => (await pit.session(id)).end()}>
          End session
        </Action>
      </p>
      <p role="status">{said}</p>
      <Table
        caption={`Variables of ${id}`}
        rows={[...variables.values()]}
        keyOf={(change) => change.id}
        none="It has no variables."
        columns={[
          { title: "Variable", cell: ({ name }: VariableChange) => name },
          {
            title: "Value",
            cell: ({ value }) => (
              <code key={pretty(value)} class="value">
                {pretty(value)}
              </code>
            ),
          },
          { title: "Version", figures: true, cell: ({ version }) => figure(version) },
          { title: "Changed", cell: ({ at }) => clock(at.getTime()) },
          { title: "By", cell: ({ source }) => [source?.side, source?.tool].filter(Boolean).join(", ") },
        ]}
      />
    </section>
  );
}
