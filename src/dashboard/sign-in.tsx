/** Asks for the token. */
import { useState } from "preact/hooks";

/** A form with one field; `reason` is said above it. */
export function SignIn({ reason, onToken }: { readonly reason: string; readonly onToken: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <main class="sign-in">
      <h1>Snakepit</h1>
      <p role="status">{reason}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onToken(token.trim());
        }}
      >
        <p class="field">
          <label>
            <span>Token of this gateway</span>
            <input
              type="password"
              required
              value={token}
              autocomplete="current-password"
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
            />
          </label>
        </p>
        <p>
          <button type="submit">Open</button>
        </p>
      </form>
      <p>
        <code>snakepit serve</code> prints one when it starts. It needs the scope <code>admin:read</code>, and <code>admin:write</code> to
        change anything.
      </p>
    </main>
  );
}
