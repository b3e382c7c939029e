/** Streams of host tools: the iterator of what a function returned, and its items in the groups that one message carries. */
import { OutgoingValues } from "./values.ts";

/** Items and bytes from which on a message is sent. */
const BATCH_ITEMS = 64;
const BATCH_BYTES = 65_536;

const TURN_OVER = Symbol("turn over");
const ABORTED = Symbol("aborted");

/** What came of asking for the next item. */
type Step = { readonly done: boolean; readonly value: unknown } | { readonly error: unknown };

/** What is sent item by item: an async iterable, or what a generator function gives. Arrays and the like are values. */
type ItemSource = AsyncIterable<unknown> | IterableIterator<unknown>;

/** Whether what a function returned is a stream. */
export function isStream(value: unknown): value is ItemSource {
  if (typeof value !== "object" || value === null) return false;
  if (Symbol.asyncIterator in value) return typeof value[Symbol.asyncIterator] === "function";
  return Symbol.iterator in value && "next" in value && typeof value.next === "function";
}

/** The items of a stream. */
export function itemsOf(source: ItemSource): AsyncIterator<unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : awaiting(source);
}

/**
 * Items by messages: what is ready within one turn of the event loop goes together, so that a slow source keeps nothing back and a fast one costs
 * few messages. What came before a failure goes before it. The source hears by `return` that it is left early; when the signal is
 * aborted it hears it at once, also while it works on its next item.
 */
export async function* messagesOf(items: AsyncIterator<unknown>, signal: AbortSignal): AsyncGenerator<OutgoingValues> {
  let isOver = false;
  let onAbort = (_: typeof ABORTED): void => {};
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    // What it answers, and how it fails at that, is of no use to anyone.
    void (async () => items.return?.())().catch(() => {});
  };
  const abort = (): void => {
    leave();
    onAbort(ABORTED);
  };
  signal.addEventListener("abort", abort);
  if (signal.aborted) leave();
  try {
    let pending: Promise<Step> | undefined;
    while (!isOver) {
      const message = new OutgoingValues();
      const awaited = pending ?? nextOf(items);
      // No race with one promise for all of it, which would remember every race of an endless stream.
      let step = await new Promise<Step | typeof TURN_OVER | typeof ABORTED>((resolve) => {
        onAbort = resolve;
        void awaited.then(resolve);
      });
      const turn = new Promise<typeof TURN_OVER>((resolve) => setImmediate(resolve, TURN_OVER));
      while (typeof step === "object" && "value" in step && step.done !== true) {
        pending = undefined;
        try {
          message.add(step.value);
        } catch (error) {
          step = { error };
          leave();
          break;
        }
        if (message.values.length >= BATCH_ITEMS || message.size >= BATCH_BYTES) break;
        pending = nextOf(items);
        step = await Promise.race([pending, turn]);
      }
      if (step === ABORTED) return;
      if (message.values.length > 0) yield message;
      if (step === TURN_OVER) continue;
      if ("error" in step) {
        isOver = true;
        throw step.error;
      }
      if (step.done === true) isOver = true;
      // A source that is always ready would keep everything else from its turn, the cancel of its own call too.
      else await turn;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    leave();
  }
}

/** Asks for the next item. Never rejects: nobody may wait for it any more when it fails. */
async function nextOf(items: AsyncIterator<unknown>): Promise<Step> {
  try {
    const step = await items.next();
    // JavaScript itself refuses such a thing, and takes any other object.
    if (Object(step) !== step) throw new TypeError("an iterator gives objects");
    return { done: Boolean(step.done), value: step.value };
  } catch (error) {
    return { error };
  }
}

async function* awaiting(items: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* items;
}
