/** One call that the other side opened, whatever its kind. */
import { Code, ConnectError } from "@connectrpc/connect";
import { toConnectError } from "../errors/wire.ts";
import { CallLimits } from "./call-limits.ts";
import { Kind } from "./frame.ts";
import { encodeCallError } from "./headers.ts";
import type { Link } from "./link.ts";
import type { ServedContext } from "./served-context.ts";

/** A call from its opening to its answer. It stands in its table while it is answered later than at once. */
export abstract class ServedCall {
  protected readonly link: Link;
  protected readonly id: number;
  protected readonly context: ServedContext;
  protected isOver = false;
  /** Whether its headers are sent. */
  protected hasHead = false;
  private readonly table: Map<number, ServedCall>;
  private limits: CallLimits | undefined;

  constructor(link: Link, table: Map<number, ServedCall>, id: number, context: ServedContext) {
    this.link = link;
    this.table = table;
    this.id = id;
    this.context = context;
  }

  /** A message came. */
  request(_bytes: Uint8Array, _items: number, _start: number, _end: number, _owned: boolean): void {}

  /** No more messages come. */
  requestsEnd(): void {}

  /** The other side has taken this much of the answers. */
  grant(_credit: number): void {}

  /** The other side wants no answer any more. */
  cancelled(): void {
    this.over(new ConnectError("the call was cancelled", Code.Canceled));
  }

  /** Answers with an error. */
  fail(error: unknown): void {
    if (this.isOver) return;
    const failure = toConnectError(error);
    this.context.addTrailers(failure.metadata);
    const body = encodeCallError(failure, this.hasHead ? undefined : this.context.ownHeader);
    this.over(failure);
    this.link.writer.message(Kind.ERROR, 0, 0, this.id, failure.code, [body]);
  }

  /** It takes its time: from now on it can be cancelled, and its deadline counts. */
  protected pend(): void {
    this.table.set(this.id, this);
    const timeoutMs = this.context.timeoutMs();
    if (timeoutMs !== undefined)
      this.limits = new CallLimits(undefined, timeoutMs, (error) => this.fail(this.context.timeoutError() ?? error));
  }

  /** It has ended, and nothing is answered any more. */
  protected over(reason?: ConnectError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.table.delete(this.id);
    this.limits?.stop();
    this.context.end(reason);
  }
}
