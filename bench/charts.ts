/** Charts of the results, as SVG that is legible on light and on dark pages. */
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { type Lookup, lookup, type Results } from "./results.ts";

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** One chart: a metric of every system, the best on top. */
export interface Chart {
  /** Name of the file, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly metric: string;
  readonly isLessBetter?: true;
}

/** The charts, in the order of the report. */
export const charts: readonly Chart[] = [
  {
    name: "unary",
    title: "1 KB there and back, one after the other: median in us (less is better)",
    metric: "unary_1k_p50_us",
    isLessBetter: true,
  },
  { name: "calls", title: "1 KB calls a second, 32 at once (more is better)", metric: "calls_per_s_32" },
  { name: "stream", title: "Small items of a stream a second (more is better)", metric: "stream_items_per_s" },
  { name: "bytes", title: "10 MB there and back: MB a second (more is better)", metric: "echo_10mb_mb_per_s" },
  { name: "large-calls", title: "64 KB calls a second, 32 at once (more is better)", metric: "unary_64k_calls_per_s" },
];

const WIDTH = 760;
const HEIGHT_OF_BAR = 18;
const AROUND = 110;
/** Colours that the chart library writes, and what each becomes where the page is light and where it is dark. */
const colours = {
  text: ["#010101", "#24292f", "#e6edf3"],
  line: ["#020202", "#d0d7de", "#3d444d"],
  paper: ["#030303", "#ffffff", "#0d1117"],
  node: ["#040404", "#2f855a", "#3fb27f"],
  bun: ["#050505", "#b7791f", "#e0a03b"],
} as const;

/** Draws one. */
export function draw(chart: Chart, results: Results): string {
  const find = lookup(results);
  const systems = ranked(chart, results, find);
  const height = AROUND + systems.length * 2 * HEIGHT_OF_BAR;
  const svg = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  const text = { color: colours.text[0], fontFamily: "sans-serif" };
  svg.setOption({
    animation: false,
    backgroundColor: colours.paper[0],
    title: { text: chart.title, left: 16, top: 12, textStyle: { ...text, fontSize: 14, fontWeight: "normal" } },
    legend: { top: 38, left: 12, textStyle: text, itemWidth: 12, itemHeight: 12 },
    grid: { top: 72, left: 190, right: 90, bottom: 24 },
    xAxis: { type: "value", axisLabel: text, splitLine: { lineStyle: { color: colours.line[0] } } },
    yAxis: {
      type: "category",
      data: systems,
      inverse: true,
      axisLabel: { ...text, interval: 0 },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.line[0] } },
    },
    series: (["node", "bun"] as const).map((runtime) => ({
      type: "bar",
      name: runtime === "node" ? "Node" : "Bun",
      itemStyle: { color: colours[runtime][0] },
      data: systems.map((system) => find(system, runtime, chart.metric) ?? null),
      label: {
        show: true,
        position: "right",
        ...text,
        formatter: ({ value }: { value?: unknown }) => (typeof value === "number" ? short(value) : ""),
      },
    })),
  });
  const drawn = svg.renderToSVGString();
  svg.dispose();
  return themed(drawn);
}

/** Systems that have a figure, the best first. A process for each call is a thousand times off and would leave nothing of the rest. */
function ranked({ metric, isLessBetter }: Chart, { rows }: Results, find: Lookup): string[] {
  const names = new Set(rows.filter((row) => row.metric === metric && row.system !== "spawn").map(({ system }) => system));
  const best = (system: string): number => {
    const there = [find(system, "node", metric), find(system, "bun", metric)].filter((value) => value !== undefined);
    return isLessBetter ? Math.min(...there) : -Math.max(...there);
  };
  return [...names].toSorted((a, b) => best(a) - best(b));
}

/** Three digits, in thousands and millions. */
function short(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** Puts variables in the place of the colours, and says what they are on which page. */
function themed(svg: string): string {
  const names = Object.keys(colours) as (keyof typeof colours)[];
  const values = (theme: 1 | 2): string => names.map((name) => `--${name}:${colours[name][theme]}`).join(";");
  const style = `<style>svg{${values(1)}}@media (prefers-color-scheme:dark){svg{${values(2)}}}</style>`;
  let themedSvg = svg.replace(/^(<svg[^>]*>)/, `$1\n${style}`);
  for (const name of names) {
    const [written] = colours[name];
    const { r, g, b } = {
      r: Number.parseInt(written.slice(1, 3), 16),
      g: Number.parseInt(written.slice(3, 5), 16),
      b: Number.parseInt(written.slice(5), 16),
    };
    themedSvg = themedSvg.replaceAll(written, `var(--${name})`).replaceAll(`rgb(${r},${g},${b})`, `var(--${name})`);
  }
  return `${themedSvg}\n`;
}
