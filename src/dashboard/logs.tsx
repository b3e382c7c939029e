/** What tools print, and how workers died. */
import type { JsonObject } from "@bufbuild/protobuf";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Connection } from "./connection.ts";
import { clock } from "./format.ts";
import { following } from "./status.ts";

/** Events that are kept; the oldest go first. */
const KEPT = 500;

interface Line {
  readonly number: number;
  readonly time: number;
  readonly from: string;
  readonly level: string;
  readonly text: string;
}

interface Crash extends Line {
  readonly details: string;
}

/** Lines as they come, and the last crashes with all that is known of them. */
export function Logs({ connection: { admin } }: { readonly connection: Connection }) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [crashes, setCrashes] = useState<readonly Crash[]>([]);
  const [paused, setPaused] = useState(false);
  const counted = useRef(0);
  const end = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      following(
        async (signal) => {
          // What is remembered comes again with every new watch.
          setLines([]);
          setCrashes([]);
          for await (const event of admin.watchEvents(["log", "worker.crashed", "worker.failed"], signal)) {
            counted.current++;
            const line = lineOf(event, counted.current);
            if (event["type"] === "log") setLines((before) => [...before, line].slice(-KEPT));
            else setCrashes((before) => [{ ...line, details: detailsOf(event["error"]) }, ...before].slice(0, 20));
          }
        },
        () => {},
      ),
    [admin],
  );
  useEffect(() => {
    if (!paused) end.current?.scrollIntoView({ block: "nearest" });
  }, [lines, paused]);
  return (
    <>
      <h2>Last crashes</h2>
      {crashes.length === 0 && <p class="none">No worker has crashed.</p>}
      {crashes.map(({ number, time, from, text, details }) => (
        <details key={number} class="crash">
          <summary>
            <time>{clock(time)}</time> <b>{from}</b> {text}
          </summary>
          <pre>{details}</pre>
        </details>
      ))}
      <h2>Logs</h2>
      <p>
        <label>
          <input type="checkbox" checked={paused} onChange={({ currentTarget }) => setPaused(currentTarget.checked)} /> Stay where I am
        </label>
      </p>
      {lines.length === 0 && <p class="none">Nothing was printed yet.</p>}
      {/* A region that scrolls has to be reached by the keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: for that reason */}
      <div class="log" role="log" aria-label="Lines that tools print" tabIndex={0}>
        {lines.map(({ number, time, from, level, text }) => (
          <div key={number} class={`line ${level}`}>
            <time>{clock(time)}</time> <span class="from">{from}</span> {text}
          </div>
        ))}
        <div ref={end} />
      </div>
    </>
  );
}

const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));

function lineOf(event: JsonObject, number: number): Line {
  const error = event["error"];
  const message = typeof error === "object" && error !== null && !Array.isArray(error) ? error["message"] : undefined;
  return {
    number,
    time: Number(event["time"] ?? Date.now()),
    from: [event["worker"], event["tool"]].map(text).filter(Boolean).join(" "),
    level: text(event["level"]),
    text: text(event["text"] ?? event["message"] ?? message),
  };
}

/** All that an error says: what Python printed before it, its stack, its fields. */
function detailsOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { traceback, stderr, ...rest } = error as JsonObject;
  const printed = [traceback, stderr].map((part) => (Array.isArray(part) ? part.join("\n") : text(part))).filter(Boolean);
  return [...printed, JSON.stringify(rest, undefined, 2)].join("\n\n");
}
