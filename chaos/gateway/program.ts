/** A gateway and a caller as programs of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createToken } from "../../src/gateway/access/secrets.ts";
import type { ServeOptions } from "../../src/gateway.ts";

/** Runtimes that a gateway is tried on, and how a program is run there. */
export const runtimes = {
  node: [fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url)), "--expose-gc", "--no-warnings"],
  bun: [process.execPath],
} as const;

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));

/** Memory of a program, in bytes. */
export interface Memory {
  readonly resident: number;
  /** What its objects take. What the runtime keeps for more of them is left out. */
  readonly used: number;
}

/** A gateway that runs. */
export interface GatewayProgram {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Tokens that may do everything, of "friend" and of "foe". */
  readonly friend: string;
  readonly foe: string;
  /** Its memory after the garbage was collected. */
  memory(): Promise<Memory>;
  /** How many requests of a name the audit log has that ended with this. */
  ended(name: string, outcome: string): number;
  /** Ends it, and resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a gateway. */
export async function startGateway(runtime: keyof typeof runtimes, options: ServeOptions = {}): Promise<GatewayProgram> {
  const folder = mkdtempSync(join(tmpdir(), "gateway-"));
  const audit = join(folder, "audit.jsonl");
  const [friend, foe] = [createToken(), createToken()];
  const tokens = [
    { token: friend, name: "friend", scopes: ["*"] },
    { token: foe, name: "foe", scopes: ["*"] },
  ];
  const [command, ...args] = runtimes[runtime];
  const child = spawn(command, [...args, program("gateway"), JSON.stringify({ auth: { tokens }, audit, ...options })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "close");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { url } = JSON.parse((await lines.next()).value ?? "{}");
  return {
    url,
    friend,
    foe,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    async memory() {
      child.stdin.write("memory\n");
      return JSON.parse((await lines.next()).value ?? "{}");
    },
    ended: (name, outcome) =>
      existsSync(audit)
        ? readFileSync(audit, "utf8")
            .split("\n")
            .filter((line) => line.includes(`"principal":"token:${name}"`) && line.includes(`"outcome":"${outcome}"`)).length
        : 0,
    async stop() {
      child.stdin.end();
      const [code] = await exited;
      rmSync(folder, { recursive: true });
      return code;
    },
  };
}

/** One call of a caller: when it began (as `Date.now()`), how long it took, and what was wrong with the answer. */
export interface Call {
  readonly at: number;
  readonly ms: number;
  readonly wrong?: string;
}

/** A caller that goes on calling. */
export class Caller {
  readonly calls: Call[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor({ url, friend }: GatewayProgram) {
    const child = spawn(process.execPath, [program("gateway-caller"), url, friend], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface(child.stdout).on("line", (line) => this.calls.push(JSON.parse(line)));
    this.#child = child;
    this.#exited = once(child, "close");
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
  }
}
