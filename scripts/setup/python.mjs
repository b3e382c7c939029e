/** Finds a Python that can make the environment, or says in one sentence what is missing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Explained } from "./console.mjs";

const run = promisify(execFile);
const OLDEST = [3, 10];
const NEWEST_FIRST = ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];
const GET = `install it (such as "sudo apt install python3 python3-venv" or "brew install python"), or set SNAKEPIT_PYTHON to one.`;

const PROBE = `
import json, os, sys
try:
    import ensurepip, venv
    makes_environments = True
except ImportError:
    makes_environments = False
print(json.dumps([sys.version_info[:3], os.path.realpath(sys.executable), makes_environments]))
`;

async function probe(name) {
  try {
    const { stdout } = await run(name, ["-c", PROBE], { timeout: 20_000 });
    const [version, path, makesEnvironments] = JSON.parse(stdout);
    const fits = version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1]);
    return { name, path, version: version.join("."), fits, makesEnvironments };
  } catch {
    return undefined;
  }
}

/**
 * The interpreter that SNAKEPIT_PYTHON names, or the newest there is.
 * @returns {Promise<{ name: string, path: string, version: string }>}
 */
export async function findPython(chosen = process.env.SNAKEPIT_PYTHON) {
  const found = (await Promise.all((chosen ? [chosen] : NEWEST_FIRST).map(probe))).filter((python) => python !== undefined);
  const fitting = found.filter((python) => python.fits);
  const usable = fitting.find((python) => python.makesEnvironments);
  if (usable) return usable;
  if (fitting[0]) {
    const { version, path } = fitting[0];
    const short = version.split(".", 2).join(".");
    throw new Explained(
      `Python ${version} (${path}) cannot make environments: add its venv module (such as "sudo apt install python${short}-venv"), or set SNAKEPIT_PYTHON to another.`,
    );
  }
  if (found[0]) throw new Explained(`Python ${found[0].version} (${found[0].path}) is too old, Snakepit needs 3.10 or later: ${GET}`);
  if (chosen)
    throw new Explained(`SNAKEPIT_PYTHON is "${chosen}", which does not run as a Python: set it to the path of Python 3.10 or later.`);
  throw new Explained(`There is no Python, Snakepit needs 3.10 or later: ${GET}`);
}
