/** Waiting no longer than a signal allows. */

/** Resolves after some time; rejects with what aborts the signal. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return orAborted(slept, signal).finally(() => clearTimeout(timer));
}

/** What comes, or what aborts the signal, whichever is first. */
export function orAborted<T>(coming: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    const settled = (): void => signal.removeEventListener("abort", stop);
    coming.then(resolve, reject).finally(settled);
  });
}
