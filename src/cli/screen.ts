/** The whole terminal, for a program that draws on it again and again and leaves it as it was. */
import { Effect, type Scope } from "effect";
import { widthOf } from "./text.ts";

/** How large a terminal is. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The terminal, while it is taken. */
export interface Screen {
  /** How large it is now. */
  readonly size: Size;
  /** Shows these lines from the top, in place of what was there. None may be wider than the terminal. */
  draw(lines: readonly string[]): void;
  /** Resolves when whoever sits there has enough: q, Ctrl-C, or a signal that asks the program to end. */
  readonly quit: Effect.Effect<void>;
}

const ESC = "\u001b[";
/** Another screen, whose cursor is hidden and whose lines are not wrapped; and back. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** What is written in between is shown at once, by terminals that know this. */
const BEGIN_FRAME = `${ESC}?2026h${ESC}H`;
const END_FRAME = `${ESC}?2026l`;
/** Clear what is left of a line, and of the screen. Lines are overwritten, not cleared before, so nothing flickers. */
const REST_OF_LINE = `${ESC}K`;
const REST_OF_SCREEN = `${ESC}J`;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const CTRL_C = "\u0003";

/** Takes the terminal until the scope closes, or the program ends in any way that runs code. `onResize` is called when it has another size. */
export const takeScreen = (onResize: () => void): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => take(onResize)),
      ({ leave }) => Effect.sync(leave),
    ),
    ({ screen }) => screen,
  );

function take(onResize: () => void): { readonly screen: Screen; readonly leave: () => void } {
  const { stdin, stdout } = process;
  const readsKeys = stdin.isTTY === true;
  const wasRaw = readsKeys && stdin.isRaw;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const onKeys = (keys: Buffer | string): void => {
    if (/^q$/i.test(String(keys)) || String(keys).includes(CTRL_C)) end();
  };
  const leave = (): void => {
    process.removeListener("exit", leave);
    stdout.removeListener("resize", onResize);
    for (const signal of SIGNALS) process.removeListener(signal, end);
    if (readsKeys) {
      stdin.removeListener("data", onKeys);
      stdin.setRawMode(wasRaw);
      stdin.pause();
    }
    stdout.write(LEAVE);
  };
  process.once("exit", leave);
  stdout.on("resize", onResize);
  for (const signal of SIGNALS) process.on(signal, end);
  if (readsKeys) {
    stdin.setRawMode(true);
    stdin.on("data", onKeys);
    stdin.resume();
  }
  stdout.write(ENTER);
  const screen: Screen = {
    get size() {
      return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    },
    draw(lines) {
      // A terminal that is slow gets the next one.
      if (stdout.writableNeedDrain) return;
      const { columns, rows } = screen.size;
      // After a full line the cursor stands on its last character, which clearing would take away.
      const whole = lines.map((line) => (widthOf(line) < columns ? line + REST_OF_LINE : line)).join("\r\n");
      const rest = lines.length < rows ? `\r\n${REST_OF_SCREEN}` : "";
      stdout.write(`${BEGIN_FRAME}${whole}${rest}${END_FRAME}`);
    },
    quit: Effect.promise(() => ended),
  };
  return { screen, leave };
}
