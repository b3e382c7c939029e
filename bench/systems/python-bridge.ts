/** python-bridge: Python expressions with values put in, over Node's channel to child processes; one at a time. */
import { beside, load } from "./peer.ts";
import type { Open } from "./system.ts";

interface Python {
  <Result>(code: TemplateStringsArray, ...values: unknown[]): Promise<Result>;
  ex(code: TemplateStringsArray, ...values: unknown[]): Promise<void>;
  readonly pid: number;
  end(): Promise<void>;
}
type Package = (options: { python: string }) => Python;

export const openPythonBridge: Open = async (python) => {
  const bridge = load<Package>("python-bridge")({ python });
  await bridge.ex`
    import sys
    sys.path.append(${beside(".")})
    from text_work import blob64, echo
  `;
  return {
    echo: (text) => bridge<string>`echo(${text})`,
    items: "a call has one answer",
    blob: async (data) => Buffer.from(await bridge<string>`blob64(${Buffer.from(data).toString("base64")})`, "base64"),
    pid: bridge.pid,
    close: () => bridge.end(),
  };
};
