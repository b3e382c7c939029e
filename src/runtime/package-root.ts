/** Where this package lies on disk. Its Python part travels beside its JavaScript. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is read of the package's own package.json. */
interface PackageInfo {
  /** Absolute path of the folder that holds package.json. */
  readonly root: string;
  /** Version of the package. */
  readonly version: string;
}

let found: PackageInfo | undefined;

/**
 * The package's own folder and version. Works from the sources and from dist, whatever chunk this module was put in.
 *
 * @throws Error when the JavaScript was bundled away from its package, so that the Python part is out of reach.
 */
export function packageInfo(): PackageInfo {
  found ??= lookUp(dirname(fileURLToPath(import.meta.url)));
  return found;
}

/** Folder that holds the Python package `snakepit`; belongs on PYTHONPATH. */
export const pythonSource = (): string => join(packageInfo().root, "python", "src");

/** File that pins what the Python package needs. */
export const pythonRequirements = (): string => join(packageInfo().root, "python", "requirements", "runtime.txt");

function lookUp(start: string): PackageInfo {
  for (let folder = start; ; folder = dirname(folder)) {
    const info = readPackage(folder);
    if (info !== undefined) return info;
    if (folder === dirname(folder)) {
      throw new Error(
        `The package "snakepit" is not around ${start}: when bundling, keep "snakepit" external, for its Python part must stay beside it.`,
      );
    }
  }
}

function readPackage(folder: string): PackageInfo | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, "package.json"), "utf8");
  } catch {
    return undefined;
  }
  const manifest: unknown = JSON.parse(text);
  if (typeof manifest !== "object" || manifest === null || !("name" in manifest) || manifest.name !== "snakepit") return undefined;
  return { root: folder, version: "version" in manifest && typeof manifest.version === "string" ? manifest.version : "0.0.0" };
}
