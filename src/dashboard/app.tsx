/** The page: where one is, and what stands there. */
import { useEffect, useState } from "preact/hooks";
import { Calls } from "./calls.tsx";
import type { Connection } from "./connection.ts";
import { Logs } from "./logs.tsx";
import { Overview } from "./overview.tsx";
import { Sessions } from "./sessions.tsx";
import { type Standing, useStanding } from "./status.ts";
import { Tools } from "./tools.tsx";
import { Workers } from "./workers.tsx";

interface ViewProps {
  readonly standing: Standing;
  readonly connection: Connection;
}

/** By the fragment of the address, so that each has a link and the browser's back button works. */
const views = { overview: Overview, workers: Workers, calls: Calls, sessions: Sessions, tools: Tools, logs: Logs };
type ViewName = keyof typeof views;
const names = Object.keys(views) as ViewName[];
const viewIn = (fragment: string): ViewName => names.find((name) => `#${name}` === fragment) ?? "overview";
const titleOf = (name: ViewName): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The whole page, once it is known who asks. */
export function App({ connection, onForget }: { readonly connection: Connection; readonly onForget: () => void }) {
  const [name, setName] = useState(() => viewIn(location.hash));
  const standing = useStanding(connection.admin);
  useEffect(() => {
    const follow = (): void => setName(viewIn(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    document.title = `${titleOf(name)} – Snakepit`;
  }, [name]);
  const View: (props: ViewProps) => preact.JSX.Element = views[name];
  return (
    <>
      <a class="skip" href="#view">
        To the content
      </a>
      <header>
        <strong>Snakepit</strong>
        <nav aria-label="Views">
          <ul>
            {names.map((each) => (
              <li key={each}>
                <a href={`#${each}`} aria-current={each === name ? "page" : undefined}>
                  {titleOf(each)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Health standing={standing} />
        {connection.hasToken && (
          <button type="button" onClick={onForget}>
            Forget token
          </button>
        )}
      </header>
      <main id="view" tabIndex={-1}>
        <h1>{titleOf(name)}</h1>
        <View standing={standing} connection={connection} />
      </main>
    </>
  );
}

function Health({ standing: { status, lost } }: { readonly standing: Standing }) {
  const said = lost !== undefined ? "no connection" : (status?.health ?? "connecting");
  return (
    <span role="status" class={`state ${lost !== undefined ? "unhealthy" : said}`} title={lost ?? ""}>
      {said}
    </span>
  );
}
