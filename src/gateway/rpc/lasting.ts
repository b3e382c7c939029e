/** Answers that go on until somebody ends them. */
import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import { closingError, closingKey } from "../http/drain.ts";

type Asked = Pick<HandlerContext, "signal" | "values">;

/** Aborted when nobody listens any more, when the time is up, and when the gateway closes. */
export const overSignal = ({ signal, values }: Asked): AbortSignal => AbortSignal.any([signal, values.get(closingKey)]);

/** What such an answer ends with, so that nobody takes it for the end of what was watched. */
export const overError = ({ signal, values }: Asked): ConnectError =>
  values.get(closingKey).aborted ? closingError() : ConnectError.from(signal.reason);

/** Waits, or until it is over. */
export function pause(ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      over.removeEventListener("abort", go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    over.addEventListener("abort", go);
    if (over.aborted) go();
  });
}
