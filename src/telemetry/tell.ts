/** Calling a function of the user's from the middle of something else. */

/**
 * Calls a function of the user's. What it throws is not the caller's business, which is in the middle of reading a socket: it surfaces as any error
 * thrown in an event listener does.
 */
export function tell<T>(listener: (event: T) => void, event: T): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
