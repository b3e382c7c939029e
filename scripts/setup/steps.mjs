/**
 * The steps. Each says by a key what it depends on, by `outputs` what must be there, and by `needs` which steps come first. `clean` undoes a step that was
 * interrupted half-way.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.mjs";
import { say } from "./console.mjs";
import { findPython } from "./python.mjs";
import { hashOf, readStamp, root } from "./stamps.mjs";

const REQUIREMENTS = "python/requirements/dev.txt";
const bin = (name) => join(root, "node_modules", ".bin", name);
const venv = join(root, ".venv");
const venvPython = join(venv, "bin", "python");
const remove = (path) => rmSync(join(root, path), { recursive: true, force: true });

const packages = {
  name: "packages",
  needs: [],
  key: () => hashOf(["package.json", "bun.lock"], process.platform, process.arch),
  outputs: ["node_modules/.bin/bun", "node_modules/.bin/node", "node_modules/.bin/tsc"],
  clean: () => remove("node_modules"),
  async run() {
    // npm itself refuses the lock: other platforms' optional packages do not resolve on this one.
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies.bun.match(
      /^(?<version>[\d.]+)$/,
    ).groups;
    say("packages", "installing npm packages from bun.lock");
    await command("npx", ["-y", `bun@${version}`, "install", "--frozen-lockfile"], { cwd: root });
  },
};

/** The lines of a requirements file that belong to one package, hashes included. */
function pinOf(name, requirements) {
  const lines = requirements.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${name}==`));
  if (start < 0) return undefined;
  const length = lines.slice(start).findIndex((line) => !line.trimEnd().endsWith("\\")) + 1;
  return lines.slice(start, start + length).join("\n");
}

/** Installs uv from its own pin and the rest by it, which takes a third of the time; where uv is not to be had, pip does it all. */
async function installRequirements() {
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
  const pin = pinOf("uv", readFileSync(join(root, REQUIREMENTS), "utf8"));
  if (pin !== undefined) {
    const temporary = mkdtempSync(join(tmpdir(), "snakepit-setup-"));
    try {
      writeFileSync(join(temporary, "uv.txt"), pin);
      await command(venvPython, [...pip, "-r", join(temporary, "uv.txt")], { cwd: root });
      await command(
        join(venv, "bin", "uv"),
        ["pip", "install", "--system-certs", "--python", venvPython, "--require-hashes", "-r", REQUIREMENTS],
        {
          cwd: root,
        },
      );
      return;
    } catch (error) {
      say("python", `uv could not do it, pip goes on (${error.message.split("\n").at(-1)})`);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  await command(venvPython, [...pip, "-r", REQUIREMENTS], { cwd: root });
}

const python = {
  name: "python",
  needs: [],
  key: () => hashOf([REQUIREMENTS], process.platform, process.arch),
  // A choice counts when it differs from what the environment was made of; without one any environment will do.
  isStale: (stamp) => Boolean(process.env.SNAKEPIT_PYTHON) && stamp.chosen !== process.env.SNAKEPIT_PYTHON,
  outputs: [".venv/bin/python", ".venv/bin/ruff", ".venv/bin/pytest"],
  clean: () => remove(".venv"),
  async run() {
    const found = await findPython();
    const before = readStamp("python");
    if (before?.path !== undefined && before.path !== found.path) remove(".venv");
    if (!existsSync(venvPython)) {
      say("python", `making .venv with Python ${found.version} (${found.path})`);
      await command(found.path, ["-m", "venv", "--clear", venv], { cwd: root });
    }
    say("python", `installing Python packages from ${REQUIREMENTS}`);
    await installRequirements();
    return { path: found.path, ...(process.env.SNAKEPIT_PYTHON && { chosen: process.env.SNAKEPIT_PYTHON }) };
  },
};

const generated = {
  name: "generated",
  needs: ["packages", "python"],
  key: () => hashOf(["proto", "buf.gen.yaml", "buf.yaml"]),
  outputs: ["src/gen", "python/src/snakepit/v1"],
  // The committed code is right in a fresh clone (`npm test` checks it), so the first set-up only notes what it was made from.
  trustFirst: true,
  clean: () => {},
  async run() {
    say("generated", "generating code from proto");
    await command(bin("buf"), ["generate"], { cwd: root, env: pathWithNode() });
  },
};

const dist = {
  name: "dist",
  needs: ["packages", "generated"],
  key: () => hashOf(["src", "scripts/dashboard.mjs", "tsdown.config.ts", "tsconfig.json", "package.json", "bun.lock"]),
  outputs: ["dist/index.mjs", "dist/index.d.mts", "dist/dashboard.html"],
  clean: () => remove("dist"),
  async run() {
    say("dist", "building the package");
    await command(bin("node"), [bin("tsdown")], { cwd: root, env: pathWithNode() });
    await command(bin("node"), ["scripts/dashboard.mjs"], { cwd: root, env: pathWithNode() });
  },
};

/** The environment with the runtimes of node_modules first: the machine's own Node may be too old for them. */
export function pathWithNode() {
  return { ...process.env, PATH: [join(root, "node_modules", ".bin"), process.env.PATH].join(":") };
}

export const steps = [packages, python, generated, dist];
