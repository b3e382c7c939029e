/** The handlers of AdminService. */
import { create } from "@bufbuild/protobuf";
import type { ContextValues, ServiceImpl } from "@connectrpc/connect";
import { InvalidOptions } from "../../errors/index.ts";
import { type AdminService, WatchEventsResponseSchema } from "../../gen/snakepit/v1/admin_pb.ts";
import { eventJson } from "../../pit/event-json.ts";
import type { Pit } from "../../pit/pit.ts";
import type { ToldEvent } from "../../pit/recent.ts";
import { EventBuffer } from "../../telemetry/event-buffer.ts";
import { recordKey } from "../access/audit.ts";
import { authorize } from "../access/authorize.ts";
import type { Principal } from "../access/principal.ts";
import { forStrangers } from "./failure.ts";
import { overError, overSignal, pause } from "./lasting.ts";
import { statusMessage } from "./status-messages.ts";

const INTERVAL_MS = 1_000;
const SHORTEST_INTERVAL_MS = 100;
/** Longest time that the runtimes' timers hold: 24 days. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** Types of events that calls pay for when somebody wants them. */
const isOften = (type: string): boolean => /^(call|variable)\.|^worker\.(busy|idle)$|^statistics$/.test(type);

/** Answers those who look after a pit. */
export function adminHandlers({ admin }: Pit): ServiceImpl<typeof AdminService> {
  const toldTo = ({ tracebacks }: Principal) => (tracebacks ? undefined : forStrangers);
  const reader = (values: ContextValues): Principal => authorize(values, { kind: "admin", write: false });
  /** @param target - What is done something to, for the audit log. */
  const writer = (values: ContextValues, target?: string): void => {
    if (target !== undefined) values.get(recordKey).target = target;
    authorize(values, { kind: "admin", write: true });
  };

  return {
    async getStatus(_request, { values }) {
      const { tracebacks } = reader(values);
      return { status: statusMessage(await admin.status(), tracebacks) };
    },

    async *watchStatus({ intervalMs }, context) {
      const { tracebacks } = reader(context.values);
      const interval = intervalMs === 0 ? INTERVAL_MS : intervalMs;
      if (interval < SHORTEST_INTERVAL_MS || interval > LONGEST_INTERVAL_MS) {
        throw new InvalidOptions({ option: "interval_ms", expected: `0, or from ${SHORTEST_INTERVAL_MS} to ${LONGEST_INTERVAL_MS}` });
      }
      const over = overSignal(context);
      const release = admin.keepLatencies();
      try {
        while (!over.aborted) {
          yield { status: statusMessage(await admin.status(), tracebacks) };
          await pause(interval, over);
        }
      } finally {
        release();
      }
      throw overError(context);
    },

    async *watchEvents({ types, recent }, context) {
      const told = toldTo(reader(context.values));
      const wanted = new Set(types);
      const isWanted = ({ type }: ToldEvent): boolean => wanted.size === 0 || wanted.has(type);
      const before = recent ? admin.recent.events(types) : [];
      const buffer = new EventBuffer<ToldEvent>();
      const isAll = types.length === 0 || types.some(isOften);
      const forget = admin.recent.listen((event) => isWanted(event) && buffer.add(event), isAll);
      const over = overSignal(context);
      over.addEventListener("abort", () => buffer.end(), { once: true });
      if (over.aborted) buffer.end();
      try {
        yield create(WatchEventsResponseSchema);
        for (const event of before) yield { event: eventJson(event, told) };
        for await (const event of buffer) yield { event: eventJson(event, told) };
      } finally {
        forget();
      }
      throw overError(context);
    },

    listEvents({ types, limit }, { values }) {
      const told = toldTo(reader(values));
      return { events: admin.recent.events(types, limit).map((event) => eventJson(event, told)) };
    },

    cancelCall({ id }, { values }) {
      writer(values, id);
      return { cancelled: admin.cancel(id) };
    },

    killWorker({ worker }, { values }) {
      writer(values, worker);
      return { killed: admin.kill(worker) };
    },

    async reloadTools(_request, { values }) {
      writer(values);
      await admin.reload();
      return {};
    },
  };
}
