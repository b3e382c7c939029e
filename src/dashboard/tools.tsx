/** The tools there are, with a form to try one. */
import { useEffect, useState } from "preact/hooks";
import type { ToolInfo } from "../tool/info.ts";
import type { Connection } from "./connection.ts";
import { ToolForm } from "./tool-form.tsx";

/** A list to choose from and the form of the one that is chosen. */
export function Tools({ connection }: { readonly connection: Connection }) {
  const [tools, setTools] = useState<readonly ToolInfo[]>();
  const [failure, setFailure] = useState("");
  const [chosen, setChosen] = useState("");
  useEffect(() => {
    Promise.resolve(connection.pit.tools()).then(setTools, (error: unknown) => setFailure(String(error)));
  }, [connection]);
  const tool = tools?.find(({ name }) => name === chosen);
  if (failure !== "") return <p class="failure">{failure}</p>;
  if (tools === undefined) return <p class="none">Asking for the tools …</p>;
  if (tools.length === 0) return <p class="none">There are no tools.</p>;
  return (
    <div class="split">
      <nav aria-label="Tools">
        <ul class="choices">
          {tools.map(({ name, streaming }) => (
            <li key={name}>
              <button type="button" aria-pressed={name === chosen} onClick={() => setChosen(name)}>
                <code>{name}</code> {streaming && <small>stream</small>}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <div>
        {tool === undefined ? <p class="none">Choose a tool to try it.</p> : <ToolForm key={tool.name} tool={tool} pit={connection.pit} />}
      </div>
    </div>
  );
}
