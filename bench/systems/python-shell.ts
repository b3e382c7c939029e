/** python-shell: lines of JSON over stdin and stdout, with a loop of the user's own. It has no calls, so ours are numbered by hand. */
import type { ChildProcess } from "node:child_process";
import { type Answer, beside, ended, load, Questions } from "./peer.ts";
import type { Open } from "./system.ts";

interface Package {
  readonly PythonShell: new (
    script: string,
    options: { mode: "json"; pythonPath: string; pythonOptions: string[] },
  ) => {
    readonly childProcess: ChildProcess;
    on(event: "message", heard: (answer: Answer) => void): void;
    send(question: object): void;
  };
}

export const openPythonShell: Open = async (python) => {
  const { PythonShell } = load<Package>("python-shell");
  const shell = new PythonShell(beside("python_shell.py"), { mode: "json", pythonPath: python, pythonOptions: ["-u"] });
  const questions = new Questions((question) => shell.send(question));
  shell.on("message", (answer) => questions.answer(answer));
  return {
    echo: (text) => questions.ask<string>("echo", text),
    items: (n) => questions.stream("items", n),
    // Lines of JSON carry no bytes.
    blob: async (data) => Buffer.from(await questions.ask<string>("blob64", Buffer.from(data).toString("base64")), "base64"),
    pid: shell.childProcess.pid,
    close: () => ended(shell.childProcess),
  };
};
