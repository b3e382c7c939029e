/** Where the page begins: with a token, or with the question for one. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isSnakepitError } from "../errors/index.ts";
import { App } from "./app.tsx";
import { type Connection, open } from "./connection.ts";
import { SignIn } from "./sign-in.tsx";

/** Where the token is kept: it is forgotten with the tab. */
const KEY = "snakepit.token";

/** The token that a link brought along; it is taken out of the address at once, so that neither history nor a copied link has it. */
function tokenOfLink(): string | null {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token === undefined) return null;
  history.replaceState(undefined, "", location.pathname);
  return decodeURIComponent(token);
}

function Page() {
  const [token, setToken] = useState(() => tokenOfLink() ?? sessionStorage.getItem(KEY) ?? "");
  const [connection, setConnection] = useState<Connection>();
  const [reason, setReason] = useState<string>();
  useEffect(() => {
    const attempt = open(location.origin, token);
    setReason(undefined);
    attempt.admin.status().then(
      () => {
        if (token !== "") sessionStorage.setItem(KEY, token);
        setConnection(attempt);
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

function reasonOf(error: unknown, token: string): string {
  if (!isSnakepitError(error)) return String(error);
  if (error._tag === "Unauthenticated") return token === "" ? "" : "This token is not valid, or not any more.";
  return error._tag === "PermissionDenied" ? "This token may not look after the pit." : error.message;
}

const place = document.getElementById("app");
if (place !== null) render(<Page />, place);
