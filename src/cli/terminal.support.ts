/** A terminal for the tests: a program runs in it, keys are pressed, and what stands on its screen can be waited for. */
import xterm from "@xterm/headless";

/** A program in a terminal of its own. */
export class TestTerminal implements AsyncDisposable {
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number>;
  /** All that it wrote. */
  written = "";
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  readonly #terminal: Bun.Terminal;
  readonly #program: Bun.Subprocess;
  readonly #looking = new Set<() => void>();

  constructor(command: readonly string[], { columns = 100, rows = 30, cwd = ".", env = {} } = {}) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const decoder = new TextDecoder();
    this.#terminal = new Bun.Terminal({
      cols: columns,
      rows,
      data: (_, data) => {
        this.written += decoder.decode(data, { stream: true });
        // What it answers to questions of the program, such as where its cursor stands.
        this.#screen.write(data, () => {
          for (const look of [...this.#looking]) look();
        });
      },
    });
    this.#screen.onData((answer) => this.#terminal.closed || this.#terminal.write(answer));
    // Only a terminal that a session belongs to sends it signals: Ctrl-C, another size.
    this.#program = Bun.spawn(["setsid", "--ctty", ...command], { terminal: this.#terminal, cwd, env: { TERM: "xterm-256color", ...env } });
    this.exited = this.#program.exited;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** The lines of the screen that is shown. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true, 0, this.#screen.cols) ?? "",
    );
  }

  /** Whether a program draws on the other screen. */
  get isOther(): boolean {
    return this.#screen.buffer.active.type === "alternate";
  }

  /** How the terminal treats keys and output: what a program may change and has to put back. */
  get modes(): readonly number[] {
    const { inputFlags, outputFlags, localFlags, controlFlags } = this.#terminal;
    return [inputFlags, outputFlags, localFlags, controlFlags];
  }

  press(keys: string): void {
    this.#terminal.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#terminal.resize(columns, rows);
  }

  kill(signal: NodeJS.Signals): void {
    this.#program.kill(signal);
  }

  /** Resolves when this is so of the lines on the screen. */
  shows(test: (lines: readonly string[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!test(this.lines)) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill("SIGKILL");
    await this.exited;
    this.#terminal.close();
    this.#screen.dispose();
  }
}
