/** Workers that are no processes, and how they end. */

/** Above every id that a system gives, so that a signal to one of these meets nobody. */
const FIRST_PID = 2 ** 30;

const living = new Map<number, () => void>();
let last = FIRST_PID;

/** A process id that belongs to no process. `kill` ends whatever has it now. */
export function fakePid(kill: () => void): { readonly pid: number; forget(): void } {
  const pid = ++last;
  living.set(pid, kill);
  return { pid, forget: () => living.delete(pid) };
}

/** Ends what has this id. False when it is a real process, or nobody. */
export function killFake(pid: number): boolean {
  const kill = living.get(pid);
  kill?.();
  return kill !== undefined;
}
