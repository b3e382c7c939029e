import { expect, test } from "bun:test";
import fc from "fast-check";
import { cut, printable, widthOf } from "./text.ts";
import { type Standing, share, view } from "./top-view.ts";

const worker = { pid: 1, pool: "main", status: "ready", calls: 0, memoryBytes: 1e6, uptimeMs: 1 };
const standing = (workers: number, lines: number): Standing => ({
  name: "run 1 of process 2",
  history: new Map([["main", Array.from({ length: 20 }, (_, second) => second)]]),
  lost: "",
  sample: {
    at: 0,
    health: "healthy",
    pools: [
      {
        name: "main",
        health: "healthy",
        workers,
        ready: workers,
        queued: 0,
        counters: {},
        latency: { callsPerSecond: 19, p50Ms: 1, p95Ms: 2, p99Ms: 3 },
      },
    ],
    workers: Array.from({ length: workers }, (_, n) => ({ ...worker, id: `main-${n}` })),
    calls: [],
    liveCalls: 0,
    sessions: 0,
    recentSessions: [],
    events: Array.from({ length: lines }, (_, n) => ({
      type: "log",
      time: 0,
      pool: "main",
      worker: "main-0",
      tool: "",
      text: `line ${n}`,
    })),
  },
});
const shown = (of: Standing, columns: number, rows: number): string[] => view(of, { columns, rows }, (_, text) => text);

test("nothing is wider or longer than the terminal, whatever its size", () => {
  const sizes = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(sizes, fc.nat(40), fc.nat(40), ({ columns, rows }, workers, lines) => {
      const drawn = shown(standing(workers, lines), columns, rows);
      expect(drawn.length).toBeLessThanOrEqual(rows);
      for (const line of drawn) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }),
  );
});

test("what does not fit is counted, and of lines that were printed the last are shown", () => {
  const drawn = shown(standing(30, 30), 100, 24);
  expect(drawn).toContainEqual(expect.stringMatching(/^Workers: 30 \(\d+ of 30\)$/));
  expect(drawn).toContainEqual(expect.stringMatching(/^Log \(\d+ of 30\)$/));
  expect(drawn.at(-1)).toEndWith("line 29");
  expect(drawn).toHaveLength(24);
});

test("a section that would have a title only is left out", () => {
  expect(shown(standing(30, 30), 100, 8).filter((line) => /^(Pools|Workers|Log)/.test(line))).toEqual(["Pools"]);
});

test("the history ends with what is so now, as far back as there is room", () => {
  const row = (columns: number): string => shown(standing(1, 0), columns, 24).find((line) => line.startsWith("main ")) ?? "";
  expect(row(200)).toEndWith("  ▁▁▂▂▂▃▃▄▄▄▅▅▅▆▆▇▇▇██");
  expect(widthOf(row(70))).toBe(70);
  expect(row(70)).toEndWith("▇▇▇██");
});

test("rows are shared so that whoever wants few gets all of them, and none is left over", () => {
  expect(share([2, 10, 10], 12)).toEqual([2, 5, 5]);
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1 }), fc.nat(200), (wanted, rows) => {
      const given = share(wanted, rows);
      const sum = (all: readonly number[]): number => all.reduce((total, each) => total + each, 0);
      expect(sum(given)).toBe(Math.min(rows, sum(wanted)));
      // Whoever got less than wanted has no less than anybody else but for the row that was last.
      const most = Math.max(...given);
      for (const [n, each] of given.entries()) if (each < wanted[n]!) expect(each).toBeGreaterThanOrEqual(most - 1);
    }),
  );
});

test("a text is cut at what people take for a character, by its width", () => {
  expect(cut("日本語", 6)).toBe("日本語");
  expect(cut("日本語", 5)).toBe("日本…");
  expect(cut("👩‍👩‍👧 family", 4)).toBe("👩‍👩‍👧 …");
  expect(cut("abc", 0)).toBe("");
});

test("nothing of a text that was printed reaches the terminal as a command", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\u001b", "[", "]", "31m", "\u009b", "\r", "\n", "\u0007", "a", "é") }), (text) => {
      expect(printable(text)).not.toMatch(/\p{Cc}/u);
    }),
  );
  expect(printable("a\u001b[31mb\u001b[0m\r\nc")).toBe("ab c");
});
