/** One tool: what it does, a field for each parameter, and what it answers. */
import { useRef, useState } from "preact/hooks";
import type { ParameterInfo, ToolInfo } from "../tool/info.ts";
import { argumentOf } from "./argument.ts";
import type { Connection } from "./connection.ts";
import { duration, pretty } from "./format.ts";

/** Items of a stream that are shown; more are counted. */
const SHOWN = 200;

interface Outcome {
  readonly text: string;
  readonly failed: boolean;
  /** How it went, for people. */
  readonly summary: string;
}

/** Runs the tool with what stands in the fields. A stream shows its items as they come. */
export function ToolForm({ tool, pit }: { readonly tool: ToolInfo; readonly pit: Connection["pit"] }) {
  const [running, setRunning] = useState<AbortController>();
  const [outcome, setOutcome] = useState<Outcome>();
  const form = useRef<HTMLFormElement>(null);

  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (form.current === null) return;
    const stop = new AbortController();
    const since = performance.now();
    setRunning(stop);
    setOutcome(undefined);
    const took = (): string => duration(performance.now() - since);
    try {
      const args = argumentsOf(tool.parameters, new FormData(form.current));
      if (!tool.streaming) {
        const result: unknown = await pit.execute(tool.name, args, { signal: stop.signal });
        setOutcome({ text: pretty(result), failed: false, summary: `answered after ${took()}` });
        return;
      }
      const items: string[] = [];
      let count = 0;
      for await (const item of pit.executeStream(tool.name, args, { signal: stop.signal })) {
        count++;
        if (items.length < SHOWN) items.push(pretty(item));
        setOutcome({ text: items.join("\n"), failed: false, summary: `${count} items so far` });
      }
      setOutcome({ text: items.join("\n"), failed: false, summary: `${count} items in ${took()}` });
    } catch (error) {
      setOutcome((before) => ({
        text: describe(error),
        failed: true,
        summary: before === undefined ? "failed" : `failed after ${before.summary}`,
      }));
    } finally {
      setRunning(undefined);
    }
  };

  return (
    <form ref={form} onSubmit={(event) => void run(event)} aria-label={`Try ${tool.name}`}>
      <h2>
        <code>{tool.name}</code>
      </h2>
      {tool.description !== "" && <p class="description">{tool.description}</p>}
      {tool.parameters.map((parameter) => (
        <Field key={parameter.name} parameter={parameter} />
      ))}
      <p>
        <button type="submit" disabled={running !== undefined}>
          {tool.streaming ? "Start" : "Call"}
        </button>{" "}
        <button type="button" disabled={running === undefined} onClick={() => running?.abort()}>
          Cancel
        </button>
      </p>
      <p role="status">{running === undefined ? outcome?.summary : (outcome?.summary ?? "runs …")}</p>
      {outcome !== undefined && (
        <pre class={outcome.failed ? "result failed" : "result"} data-testid="result">
          {outcome.text}
        </pre>
      )}
    </form>
  );
}

function Field({ parameter: { name, type, required, defaultJson, inputStream } }: { readonly parameter: ParameterInfo }) {
  const hint = [type, required ? "" : `default ${defaultJson ?? "as Python has it"}`].filter(Boolean).join(", ");
  return (
    <p class="field">
      <label>
        <span>
          <code>{name}</code> <small>{inputStream ? "an input stream, which cannot be sent from here" : hint}</small>
        </span>
        <input name={name} disabled={inputStream} placeholder={required ? "JSON, or plain text" : "left out"} autocomplete="off" />
      </label>
    </p>
  );
}

/** What is not filled in is left out, so that Python's defaults hold and what is missing is named by the pit. */
function argumentsOf(parameters: readonly ParameterInfo[], fields: FormData): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const { name, type, rest } of parameters) {
    const text = fields.get(name);
    if (typeof text !== "string" || text === "") continue;
    const value = argumentOf(text, type);
    if (rest && typeof value === "object") Object.assign(args, value);
    else args[name] = value;
  }
  return args;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const traceback = "traceback" in error && typeof error.traceback === "string" ? `${error.traceback.trimEnd()}\n\n` : "";
  return `${traceback}${"_tag" in error ? `${error._tag}: ` : ""}${error.message}`;
}
