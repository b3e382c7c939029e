/** A button that does something which takes a while and may fail. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** What it does. */
export interface ActionProps {
  /** What a screen reader says, where the words on the button are the same in every row. */
  readonly label?: string;
  /** Asked before it is done. */
  readonly confirm?: string;
  readonly run: () => Promise<unknown>;
  readonly children: ComponentChildren;
}

/** Cannot be pressed while it runs; what went wrong stands beside it. */
export function Action({ label, confirm: question, run, children }: ActionProps) {
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState("");
  const press = async (): Promise<void> => {
    if (question !== undefined && !confirm(question)) return;
    setRunning(true);
    setFailure("");
    try {
      await run();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    } finally {
      setRunning(false);
    }
  };
  return (
    <>
      <button type="button" disabled={running} aria-label={label} onClick={() => void press()}>
        {children}
      </button>
      <span role="status" class="failure">
        {failure}
      </span>
    </>
  );
}
