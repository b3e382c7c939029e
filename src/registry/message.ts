/** What happens to the registry, in words. */
import type { Leftover } from "./leftovers.ts";
import type { RegistryEvent } from "./registry.ts";

/** A sentence for the log. */
export function registryMessage(event: RegistryEvent): string {
  switch (event.type) {
    case "unavailable":
      return `The registry ${event.file} cannot be used, so processes that outlive their program would not be found: ${event.reason}`;
    case "damaged":
      return `The registry ${event.file} was damaged. It was moved to ${event.movedTo}, and a new one was made.`;
    case "swept":
      return `Killed what programs that are gone had left: ${event.ended.map(leftoverMessage).join("; ")}.`;
  }
}

/** A leftover in words: "worker main-1 (process 12) of process 9". */
export const leftoverMessage = ({ host, process, targets }: Leftover): string =>
  `${process.kind} ${process.id} (process ${targets.map(Math.abs).join(", ")}) of process ${host.pid}`;
