import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { type RunningProcess, startProcess } from "./process.ts";
import { startTime } from "./process-info.ts";

interface Shell {
  readonly child: RunningProcess;
  readonly lines: string[];
  /** Resolves with the next line that was not given out yet. */
  next(): Promise<string>;
}

async function shell(script: string): Promise<Shell> {
  const lines: string[] = [];
  const unread: string[] = [];
  let heard = Promise.withResolvers<void>();
  const child = await startProcess({
    command: "/bin/sh",
    args: ["-c", script],
    env: { PATH: "/usr/bin:/bin" },
    onLine(source, line) {
      lines.push(`${source}: ${line}`);
      unread.push(line);
      heard.resolve();
    },
  });
  const next = async (): Promise<string> => {
    for (;;) {
      const line = unread.shift();
      if (line !== undefined) return line;
      heard = Promise.withResolvers();
      await heard.promise;
    }
  };
  return { child, lines, next };
}

test("a process hears its stdin, and is heard to its last line", async () => {
  const { child, lines } = await shell('read word; echo "got $word"; echo oops >&2; printf tail; exit 7');
  child.writeStdin("token\n");
  expect(await child.exited).toEqual({ exitCode: 7, signal: null });
  expect(lines.toSorted()).toEqual(["stderr: oops", "stdout: got token", "stdout: tail"]);
});

test("a process leads a session and a group of its own", async () => {
  const { child, lines } = await shell("ps -o pgid=,sid= -p $$");
  await child.exited;
  expect(lines[0]?.replace("stdout:", "").trim().split(/\s+/)).toEqual([String(child.pid), String(child.pid)]);
});

test("a signal reaches the whole group", async () => {
  const script = await shell("sleep 60 & echo $!; wait");
  const grandchild = Number(await script.next());
  script.child.kill("SIGKILL");
  expect(await script.child.exited).toEqual({ exitCode: null, signal: "SIGKILL" });
  await gone(grandchild);
});

test("what a process leaves behind in its group ends with it", async () => {
  const script = await shell("sleep 60 & echo $!");
  const grandchild = Number(await script.next());
  expect(await script.child.exited).toEqual({ exitCode: 0, signal: null });
  await gone(grandchild);
});

test("something that left the group and holds stdout does not hold up the end", async () => {
  const script = await shell("setsid -f sh -c 'echo $$; exec sleep 60'; read x");
  const stranger = Number(await script.next());
  try {
    script.child.writeStdin("end\n");
    expect(await script.child.exited).toEqual({ exitCode: 0, signal: null });
  } finally {
    process.kill(stranger, "SIGKILL");
  }
});

test("nothing happens to a process that is gone", async () => {
  const { child } = await shell("exit 0");
  await child.exited;
  child.writeStdin("x");
  child.kill("SIGTERM");
  expect(await child.memoryBytes()).toBe(0);
});

test("memory and start time of a process can be read while it lives", async () => {
  const script = await shell("echo up; read x");
  await script.next();
  expect(await script.child.memoryBytes()).toBeGreaterThan(100_000);
  const started = await startTime(script.child.pid);
  expect(started).not.toBe("");
  expect(await startTime(script.child.pid)).toBe(started);
  script.child.kill("SIGKILL");
  await script.child.exited;
  expect(await startTime(script.child.pid)).toBe("");
});

test("a program that is not there rejects with the system's error", async () => {
  const starting = startProcess({ command: "/nowhere/program", args: [], env: {}, onLine() {} });
  expect(await starting.catch((error: unknown) => error)).toMatchObject({ code: "ENOENT" });
});

/** Resolves when a process has ended, be it that nobody has taken notice of it yet. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat === "" || /\) [ZX] /.test(stat)) return;
  }
}
