/** Where the registry lies. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Folder for what has to survive a program: SNAKEPIT_STATE, or `snakepit` in the user's state folder: XDG_STATE_HOME or ~/.local/state, on macOS
 * ~/Library/Application Support.
 */
export function stateFolder(): string {
  const { SNAKEPIT_STATE, XDG_STATE_HOME } = process.env;
  if (SNAKEPIT_STATE) return resolve(SNAKEPIT_STATE);
  // The XDG specification says to ignore relative paths.
  if (XDG_STATE_HOME?.startsWith("/")) return join(XDG_STATE_HOME, "snakepit");
  return process.platform === "darwin"
    ? join(homedir(), "Library", "Application Support", "snakepit")
    : join(homedir(), ".local", "state", "snakepit");
}

/** Path of this user's registry. */
export const registryFile = (): string => join(stateFolder(), "registry.sqlite");
