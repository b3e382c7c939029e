/** The folder for what can be made again. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** SNAKEPIT_CACHE, or `snakepit` in the user's cache folder: XDG_CACHE_HOME or ~/.cache, on macOS ~/Library/Caches. */
export function cacheFolder(): string {
  const { SNAKEPIT_CACHE, XDG_CACHE_HOME } = process.env;
  if (SNAKEPIT_CACHE) return resolve(SNAKEPIT_CACHE);
  // The XDG specification says to ignore relative paths.
  if (XDG_CACHE_HOME?.startsWith("/")) return join(XDG_CACHE_HOME, "snakepit");
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches", "snakepit") : join(homedir(), ".cache", "snakepit");
}
