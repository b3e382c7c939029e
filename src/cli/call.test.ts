import { afterAll, describe, expect, test } from "bun:test";
import { python, Sandbox } from "./cli.support.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());
sandbox.write(
  "tools.py",
  `
import sys
from collections.abc import Iterator
from snakepit import tool

@tool
def add(a: float, b: float = 0.0) -> float:
    return a + b

@tool
def countdown(start: int) -> Iterator[int]:
    for n in range(start, 0, -1):
        yield n

@tool
def fails() -> None:
    print("on the way")
    raise ValueError("no good") from KeyError("first")

@tool
def echo(x: object) -> object:
    return x

@tool
def slow() -> None:
    import time
    time.sleep(60)

@tool
def endless() -> Iterator[int]:
    n = 0
    while True:
        yield n
        n += 1
`,
);
sandbox.write("package/inner.py", "from snakepit import tool\n\n@tool\ndef here() -> str:\n    return __name__\n");
const call = (...args: string[]) => sandbox.snakepit(["call", "--python", python, ...args]);

describe("snakepit call", () => {
  test("prints what a tool returns, and nothing else", async () => {
    expect(await call("./tools.py", "add", '{"a": 1, "b": 2}')).toMatchObject({ exitCode: 0, stdout: "3", stderr: "" });
  });

  test("prints a line for each item of a stream", async () => {
    expect(await call("./tools.py", "countdown", '{"start": 3}')).toMatchObject({ exitCode: 0, stdout: "3\n2\n1", stderr: "" });
  });

  test("takes a module path", async () => {
    expect(await call("package.inner", "here")).toMatchObject({ exitCode: 0, stdout: '"package.inner"' });
  });

  test("loses no digit of a whole number", async () => {
    expect(await call("./tools.py", "echo", '{"x": 123456789012345678901234567890}')).toMatchObject({
      stdout: "123456789012345678901234567890",
    });
  });

  test("indents when asked to", async () => {
    expect(await call("--pretty", "./tools.py", "echo", '{"x": {"y": [1]}}')).toMatchObject({ stdout: '{\n  "y": [\n    1\n  ]\n}' });
  });

  test("shows the traceback of a tool that raises, and ends with 1", async () => {
    const { exitCode, stdout, stderr } = await call("./tools.py", "fails");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("on the way");
    expect(stderr).toContain("KeyError: 'first'");
    expect(stderr).toContain("tools.py");
    expect(stderr.split("\n").at(-1)).toStartWith("ToolFailed: ");
  });

  test("names the nearest tool when there is none of that name", async () => {
    expect(await call("./tools.py", "ad")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('did you mean "add"?') });
  });

  test("names the argument that is wrong", async () => {
    const { exitCode, stderr } = await call("./tools.py", "add", '{"a": "x"}');
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith('InvalidArguments: Tool "add", argument "a"');
  });

  test("shows the import error of the tools", async () => {
    sandbox.write("broken.py", "import nothing_of_this_name\n");
    const { exitCode, stderr } = await call("./broken.py", "add");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ModuleNotFoundError: No module named 'nothing_of_this_name'");
    expect(stderr).toContain("WorkerStartFailed: ");
  });

  test("ends a call that takes too long", async () => {
    expect(await call("--timeout", "0.2", "./tools.py", "slow")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("CallTimeout"),
    });
  });

  test("ends well when whoever reads its output has enough", async () => {
    const script = '{ "$@"; echo "exit code $?" >&2; } | { read a; read b; echo "$a $b"; }';
    const { stdout, stderr } = await sandbox.shell(script, ["call", "--python", python, "./tools.py", "endless"]);
    expect({ stdout, stderr }).toEqual({ stdout: "0 1", stderr: "exit code 0" });
  });

  test.each([
    [["./tools.py"], "tool"],
    [["./tools.py", "add", "[1]"], "a JSON object"],
    [["./tools.py", "add", "{a: 1}"], "a JSON object"],
    [["./tools.py", "add", "{}", "--nonsense"], "--nonsense"],
  ])("says what is wrong with %j, and ends with 2", async (args, said) => {
    const { exitCode, stdout, stderr } = await call(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).toEndWith("Try: snakepit call --help");
  });

  test("a timeout that makes no sense is wrong use", async () => {
    expect(await call("--timeout", "-1", "./tools.py", "add")).toMatchObject({ exitCode: 2 });
  });
});
