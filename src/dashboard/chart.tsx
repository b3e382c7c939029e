/** Lines over time. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { figure } from "./format.ts";

/** One line. */
export interface Line {
  readonly label: string;
  /** Name of a colour in the style sheet, such as "--line-1". */
  readonly colour: string;
  readonly values: readonly number[];
}

/** What to draw. */
export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

const HEIGHT = 180;

/** A chart with its newest figures beside it in words, since a canvas says nothing to who cannot see it. */
export function Chart({ title, unit, times, lines }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const labels = lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, unit, lines), [[], ...lines.map(() => [])], element);
    };
    draw();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    sized.observe(element);
    dark.addEventListener("change", draw);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
    };
    // The lines themselves come by the effect below; here only their names matter.
  }, [unit, labels]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => values.map((value) => (Number.isNaN(value) ? null : value)))]);
  });
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {lines.map(({ label, colour, values }) => (
          <span key={label} class="chart-figure">
            <span class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" />
            {label} <b>{latest(values)}</b> {unit}
          </span>
        ))}
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}

function latest(values: readonly number[]): string {
  const value = values.at(-1);
  return value === undefined || Number.isNaN(value) ? "–" : figure(value);
}

function options(element: HTMLElement, unit: string, lines: readonly Line[]): uPlot.Options {
  // A canvas knows no variables and no light-dark(): the browser says what a colour is in the end.
  const colour = (name: string): string => {
    element.style.color = `var(${name})`;
    return getComputedStyle(element).color;
  };
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 70, values: (_plot, ticks) => ticks.map((tick) => `${figure(tick)} ${unit}`) }],
    series: [{}, ...lines.map(({ label, colour: name }) => ({ label, stroke: colour(name), width: 2, points: { show: false } }))],
  };
}
