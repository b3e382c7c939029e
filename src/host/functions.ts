/** The functions among the arguments of calls that are on their way. */
import { ToolNotFound } from "../errors/index.ts";
import type * as contract from "../tool/call.ts";

const MAX_NUMBER = 0xffff_ffff;

/** The functions of one pit. A number comes back after four thousand million others, so a late call finds nothing. */
export class HostFunctions implements contract.HostFunctions {
  readonly #functions = new Map<number, contract.HostFunction>();
  #last = 0;

  add(fn: contract.HostFunction): number {
    do {
      this.#last = this.#last === MAX_NUMBER ? 1 : this.#last + 1;
    } while (this.#functions.has(this.#last));
    this.#functions.set(this.#last, fn);
    return this.#last;
  }

  remove(number: number): void {
    this.#functions.delete(number);
  }

  /** The function of this number. Throws ToolNotFound when the call that it was an argument of has ended. */
  get(number: number): contract.HostFunction {
    const fn = this.#functions.get(number);
    if (fn === undefined) throw new ToolNotFound({ tool: functionName(number), nearest: [] });
    return fn;
  }
}

/** What a function is called that has no name. */
export const functionName = (number: number): string => `function ${number}`;
