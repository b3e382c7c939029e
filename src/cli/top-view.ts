/** How a pit stands, as lines for a terminal. */
import { clock, duration, figure, memory } from "../dashboard/format.ts";
import type { PitEvent, PitState, PoolState } from "./pit-state.ts";
import type { Size } from "./screen.ts";
import { type Cell, layOut } from "./table.ts";
import { cut, type Look, type Paint, printable, widthOf } from "./text.ts";
import type { Sample } from "./watched-pit.ts";

/** What is shown. */
export interface Standing {
  /** Where the pit is. */
  readonly name: string;
  readonly sample: Sample;
  /** Calls that each pool ended a second, the latest last. */
  readonly history: ReadonlyMap<string, readonly number[]>;
  /** Why there is nothing newer; empty while there is. */
  readonly lost: string;
}

/** A piece of a line. */
type Piece = string | { readonly text: string; readonly look: Look };
type Line = readonly Piece[];
/** Between two columns. */
const GAP = "  ";

/** Lines under a title. */
interface Section {
  readonly title: string;
  /** Names of columns. */
  readonly heading?: Line;
  readonly lines: readonly Line[];
  /** Whether those at the end matter most. */
  readonly fromEnd?: boolean;
}

/** Samples that a line of the history has. */
export const HISTORY = 20;

/** The lines that show a pit on a screen of this size. Sections share the rows; what one does not need is for the others. */
export function view(standing: Standing, { columns: width, rows }: Size, paint: Paint): string[] {
  const { sample } = standing;
  const head = [...titleLines(standing), totals(sample)];
  const sections = [
    pools(standing, width),
    workers(sample),
    calls(sample),
    sessions(sample),
    crash(sample.events),
    log(sample.events),
  ].filter(({ lines }) => lines.length > 0);
  return [...head, ...fitted(sections, rows - head.length)].slice(0, rows).map((line) => painted(line, width, paint));
}

/** As much of the sections as fits. One that has no room for a line is left out, the last of them first. */
function fitted(sections: readonly Section[], rows: number): Line[] {
  const wanted = sections.map((section) => above(section).length + section.lines.length);
  // The pools come first, for up to half of the rows, but with one line at least.
  const least = sections[0] === undefined ? 0 : above(sections[0]).length + 1;
  const first = Math.min(wanted[0] ?? 0, rows, Math.max(Math.ceil(rows / 2), least));
  const room = [first, ...share(wanted.slice(1), rows - first)];
  const without = sections.findLastIndex((section, index) => room[index]! <= above(section).length);
  if (without !== -1) return fitted(sections.toSpliced(without, 1), rows);
  return sections.flatMap((section, index) => shown(section, room[index]!));
}

/** Shares rows out: everybody gets one more in turn until there are none, or nobody wants any. */
export function share(wanted: readonly number[], rows: number): number[] {
  const given = wanted.map(() => 0);
  let left = Math.min(
    rows,
    wanted.reduce((sum, each) => sum + each, 0),
  );
  while (left > 0) {
    for (let n = 0; n < wanted.length && left > 0; n++) {
      if (given[n]! < wanted[n]!) {
        given[n]!++;
        left--;
      }
    }
  }
  return given;
}

function shown(section: Section, room: number): Line[] {
  const { lines, fromEnd = false } = section;
  const count = Math.min(lines.length, room - above(section).length);
  return [...above(section, count), ...(fromEnd ? lines.slice(lines.length - count) : lines.slice(0, count))];
}

/** What stands above the lines of a section, of which so many are shown. */
function above({ title, heading, lines }: Section, count = lines.length): Line[] {
  const of = count < lines.length ? ` (${count} of ${lines.length})` : "";
  return [[], [{ text: `${title}${of}`, look: "bold" }], ...(heading === undefined ? [] : [heading])];
}

const textOf = (piece: Piece): string => (typeof piece === "string" ? piece : piece.text);

function painted(line: Line, width: number, paint: Paint): string {
  let left = width;
  let text = "";
  for (const piece of line) {
    const part = cut(textOf(piece), left);
    left -= widthOf(part);
    text += typeof piece === "string" ? part : paint(piece.look, part);
  }
  return text;
}

const titleLines = ({ name, sample, lost }: Standing): Line[] => [
  [{ text: "Snakepit", look: "bold" }, `  ${name}  `, state(printable(sample.health)), `  ${clock(sample.at)}`],
  ...(lost === "" ? [] : [[{ text: `No answer: ${printable(lost)}`, look: "red" } as const]]),
];

function totals({ pools, liveCalls, sessions }: PitState): Line {
  const sum = (of: (pool: PoolState) => number): string => figure(pools.reduce((total, pool) => total + of(pool), 0));
  const counted = (counter: string): string => sum(({ counters }) => counters[counter] ?? 0);
  return [
    `${counted("calls")} calls, ${counted("failed")} failed, ${counted("timedOut")} timed out, ${counted("retried")} retried, ${counted("crashes")} crashes; `,
    `${figure(liveCalls)} under way, ${sum(({ queued }) => queued)} queued; ${figure(sessions)} sessions`,
  ];
}

/** Colours of states; others have none. */
const looks: Readonly<Record<string, Look>> = {
  healthy: "green",
  ready: "green",
  busy: "cyan",
  degraded: "yellow",
  starting: "yellow",
  draining: "yellow",
  unhealthy: "red",
  closed: "red",
  stopped: "red",
};

const withLook = (text: string, look: Look | undefined): Piece => (look === undefined ? text : { text, look });
const state = (text: string): Piece => withLook(text, looks[text.trim()]);

function columns(headings: readonly string[], rows: readonly (readonly Cell[])[]): Required<Pick<Section, "heading" | "lines">> {
  const [heading = [], ...cells] = layOut(headings, rows);
  const spaced = (line: readonly string[], piece: (cell: string, column: number) => Piece): Line =>
    line.flatMap((cell, column) => (column === 0 ? [piece(cell, column)] : [GAP, piece(cell, column)]));
  return {
    heading: spaced(heading, (text) => ({ text, look: "dim" })),
    lines: cells.map((row) => spaced(row, (cell, column) => (headings[column] === "state" ? state(cell) : cell))),
  };
}

function pools({ sample, history }: Standing, width: number): Section {
  const rows = sample.pools.map(({ name, health, workers, ready, queued, latency }) => [
    name,
    health,
    { figure: `${ready}/${workers}` },
    queued,
    { figure: figure(latency.callsPerSecond) },
    { figure: duration(latency.p50Ms) },
    { figure: duration(latency.p95Ms) },
    { figure: duration(latency.p99Ms) },
  ]);
  const headings = ["pool", "state", "ready", "queued", "calls/s", "p50", "p95", "p99"];
  const causes = sample.pools.flatMap(({ name, health, cause }): Line[] =>
    cause === undefined || health === "healthy" ? [] : [[{ text: `${printable(name)}: ${printable(cause.message)}`, look: "yellow" }]],
  );
  const { heading, lines } = columns(headings, rows);
  const withHistory = lines.map((line, index): Line => {
    const room = width - line.reduce((sum, piece) => sum + widthOf(textOf(piece)), GAP.length);
    return room < 1 ? line : [...line, GAP, bars((history.get(sample.pools[index]?.name ?? "") ?? []).slice(-room))];
  });
  return { title: "Pools", heading, lines: [...withHistory, ...causes] };
}

const workers = ({ workers }: Sample): Section => ({
  title: `Workers: ${workers.length}`,
  ...columns(
    ["worker", "pool", "state", "pid", "memory", "calls", "up"],
    workers.map(({ id, pool, status, pid, memoryBytes, calls, uptimeMs }) => [
      id,
      pool,
      status,
      pid,
      { figure: memory(BigInt(memoryBytes)) },
      calls,
      { figure: duration(uptimeMs) },
    ]),
  ),
});

const calls = ({ calls, liveCalls }: Sample): Section => ({
  title: `Calls under way: ${figure(liveCalls)}`,
  ...columns(
    ["tool", "pool", "session", "worker", "age"],
    calls.map(({ tool, pool, session, worker, ageMs }) => [tool, pool, session || "–", worker || "waits", { figure: duration(ageMs) }]),
  ),
});

const sessions = ({ sessions, recentSessions }: Sample): Section => ({
  title: `Sessions: ${figure(sessions)}`,
  ...columns(
    ["session", "variables", "size", "used"],
    recentSessions.map(({ id, variables, bytes, usedAt }) => [id, variables, { figure: memory(BigInt(bytes)) }, clock(Date.parse(usedAt))]),
  ),
});

function crash(events: readonly PitEvent[]): Section {
  const last = events.findLast(({ type }) => type !== "log");
  return { title: "Last crash", lines: last === undefined ? [] : [[...told(last), { text: messageOf(last["error"]), look: "red" }]] };
}

const log = (events: readonly PitEvent[]): Section => ({
  title: "Log",
  lines: events.flatMap((event) =>
    event["type"] === "log" ? [[...told(event), withLook(clean(event["text"]), levels[clean(event["level"])])]] : [],
  ),
  fromEnd: true,
});

const levels: Readonly<Record<string, Look>> = { debug: "dim", warning: "yellow", error: "red", critical: "red" };

/** When it happened, and where. */
const told = ({ time, worker, tool, pool }: PitEvent): Line => [
  { text: `${clock(Number(time))} ${[worker || pool, tool].map(clean).filter(Boolean).join(" ")}  `, look: "dim" },
];

const clean = (value: unknown): string => (typeof value === "string" ? printable(value) : "");
const messageOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "message" in error ? clean(error.message) : "";

const BARS = "▁▂▃▄▅▆▇█";

/** A figure as it was over time: the highest is a full bar. */
function bars(values: readonly number[]): string {
  const highest = Math.max(...values, Number.MIN_VALUE);
  const bar = (value: number): string => BARS[Math.round((value / highest) * (BARS.length - 1))] ?? " ";
  return values.map(bar).join("");
}
