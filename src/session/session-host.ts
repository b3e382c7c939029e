/** What sessions have around them in a program: the pools that their calls go to, and the tools that Python may call. */
import { ToolNotFound } from "../errors/index.ts";
import { HostTools } from "../host/host-tools.ts";
import type { Pool } from "../pool/pool.ts";

/** The surroundings of sessions. */
export interface SessionHost {
  /** The pool that has a tool. Throws ToolNotFound when none has. */
  poolOf(tool: string): Pool;
  /** The tools that Python may call. */
  readonly tools: HostTools;
}

/** Sessions of a program without workers: there is nobody to call. */
export const noHost = (): SessionHost => ({
  poolOf(tool) {
    throw new ToolNotFound({ tool, nearest: [] });
  },
  tools: new HostTools(),
});
