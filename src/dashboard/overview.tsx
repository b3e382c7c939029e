/** How the pit is doing, and how it did over the last minutes. */
import type { PoolStatus } from "../gen/snakepit/v1/admin_pb.ts";
import { Chart } from "./chart.tsx";
import { duration, figure } from "./format.ts";
import type { Standing } from "./status.ts";
import { Table } from "./table.tsx";

/** Charts of all pools together, and a row for each. */
export function Overview({ standing: { status, samples } }: { readonly standing: Standing }) {
  const times = samples.map(({ at }) => at);
  const values = (of: "callsPerSecond" | "p50" | "p95" | "p99" | "queued" | "live"): number[] => samples.map((sample) => sample[of]);
  return (
    <>
      <div class="charts">
        <Chart
          title="Throughput"
          unit="calls/s"
          times={times}
          lines={[{ label: "ended", colour: "--line-1", values: values("callsPerSecond") }]}
        />
        <Chart
          title="Latency"
          unit="ms"
          times={times}
          lines={[
            { label: "p50", colour: "--line-1", values: values("p50") },
            { label: "p95", colour: "--line-2", values: values("p95") },
            { label: "p99", colour: "--line-3", values: values("p99") },
          ]}
        />
        <Chart
          title="Calls under way"
          unit=""
          times={times}
          lines={[
            { label: "all", colour: "--line-1", values: values("live") },
            { label: "queued", colour: "--line-2", values: values("queued") },
          ]}
        />
      </div>
      <Table
        caption="Pools"
        columns={columns}
        rows={status?.pools ?? []}
        keyOf={({ name }) => name}
        none="There is no pool: this pit was opened without tools."
      />
      {(status?.pools ?? []).map(({ name, cause }) =>
        cause === undefined ? null : (
          <p key={name} class="cause">
            <b>{name}</b>, last problem: {cause.message}
          </p>
        ),
      )}
    </>
  );
}

const counter =
  (name: string) =>
  ({ counters }: PoolStatus): string =>
    figure(counters[name] ?? 0);

const columns = [
  { title: "Pool", cell: ({ name }: PoolStatus) => name },
  { title: "Health", cell: ({ health }: PoolStatus) => <span class={`state ${health}`}>{health}</span> },
  { title: "Workers ready", figures: true, cell: ({ ready, workers }: PoolStatus) => `${ready} of ${workers}` },
  { title: "Queued", figures: true, cell: ({ queued }: PoolStatus) => figure(queued) },
  { title: "p50", figures: true, cell: ({ latency }: PoolStatus) => duration(latency?.p50Ms ?? 0) },
  { title: "p99", figures: true, cell: ({ latency }: PoolStatus) => duration(latency?.p99Ms ?? 0) },
  { title: "Calls", figures: true, cell: counter("calls") },
  { title: "Failed", figures: true, cell: counter("failed") },
  { title: "Timed out", figures: true, cell: counter("timedOut") },
  { title: "Retried", figures: true, cell: counter("retried") },
  { title: "Crashes", figures: true, cell: counter("crashes") },
];
