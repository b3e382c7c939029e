/** Programs that only Go can build, each built once into .setup. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Thrown when there is no `go` on the path. */
export class GoMissing extends Error {
  constructor(name) {
    super(`${name} is a Go program and there is no "go" on the PATH: install Go 1.24 or later, then run it again.`);
  }
}

/**
 * Installs a program below `root`/.setup unless it is there. Go's caches go there too while it builds, and are removed after it: the user's home is neither
 * needed nor touched.
 *
 * @param {string} root the repository
 * @param {{ name: string, module: string, program: string, version: string }} what the module, the program's package in it, and a name for the folder
 * @param {(module: string, home: string) => void} [take] takes further files of the module
 * @returns {string} the folder with the program
 */
export function installOnce(root, { name, module, program, version }, take = () => {}) {
  const home = join(root, ".setup", `${name}-${version}`);
  if (existsSync(home)) return home;

  if (spawnSync("go", ["version"]).error) throw new GoMissing(name);
  console.error(`setting up: ${name} ${version} (built by Go, about a minute)`);
  const building = `${home}.building-${process.pid}`;
  const go = join(building, "go");
  try {
    mkdirSync(building, { recursive: true });
    const env = {
      ...process.env,
      GOPATH: go,
      GOMODCACHE: join(go, "mod"),
      GOCACHE: join(go, "cache"),
      GOBIN: building,
      GOFLAGS: "-modcacherw",
    };
    const install = spawnSync("go", ["install", `${module}/${program}@${version}`], { env, encoding: "utf8" });
    if (install.status !== 0) throw new Error(`go install ${module}/${program}@${version} failed:\n${install.stderr}`);
    take(join(go, "mod", `${module}@${version}`), building);
    rmSync(go, { recursive: true, force: true });
    renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return home;
}
