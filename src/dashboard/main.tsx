/** Where the page begins: with a token, or with the question for one. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isSnakepitError } from "../errors/index.ts";
import { App } from "./app.tsx";
import { type Connection, open } from "./connection.ts";
import { SignIn } from "./sign-in.tsx";

/** Where the token is kept: it is forgotten with the tab. */
const KEY = "snakepit.token";

/**
 * The token that a link brought along; it is taken out of the address at once, so that neither history nor a copied link has it. Null also for one that cannot
 * be read, as when the link was cut off.
 */
function tokenOfLink(): string | null {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token === undefined) return null;
  history.replaceState(undefined, "", location.pathname);
  try {
    return decodeURIComponent(token);
  } catch {
    return null;
  }
}

function Page() {
  const [token, setToken] = useState(() => tokenOfLink() ?? sessionStorage.getItem(KEY) ?? "");
  const [connection, setConnection] = useState<Connection>();
  const [reason, setReason] = useState<string>();
  useEffect(() => {
    setReason(undefined);
    connected(token).then(
      (connection) => {
        if (token !== "") sessionStorage.setItem(KEY, token);
        setConnection(connection);
      },
      (error: unknown) => setReason(reasonOf(error, token)),
    );
  }, [token]);
  const forget = (): void => {
    sessionStorage.removeItem(KEY);
    setConnection(undefined);
    setToken("");
  };
  if (connection !== undefined) return <App connection={connection} onForget={forget} />;
  return reason === undefined ? <p class="none">Connecting …</p> : <SignIn reason={reason} onToken={setToken} />;
}

/** The gateway, once it has let this token in. */
async function connected(token: string): Promise<Connection> {
  const connection = open(location.origin, token);
  await connection.admin.status();
  return connection;
}

function reasonOf(error: unknown, token: string): string {
  if (!isSnakepitError(error)) return String(error);
  if (error._tag === "Unauthenticated") return token === "" ? "" : "This token is not valid, or not any more.";
  return error._tag === "PermissionDenied" ? "This token may not look after the pit." : error.message;
}

const place = document.getElementById("app");
if (place !== null) render(<Page />, place);
