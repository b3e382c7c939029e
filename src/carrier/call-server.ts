/** Answers the calls that the other side opens. */
import { Code, ConnectError, type ServiceImplSpec } from "@connectrpc/connect";
import type { SnakepitError } from "../errors/index.ts";
import { toConnectError } from "../errors/wire.ts";
import { CallHeads, type OpenedHead } from "./call-heads.ts";
import { executeTool } from "./connect-execute.ts";
import { Flag, fault, Kind } from "./frame.ts";
import { encodeCallError } from "./headers.ts";
import type { CallSink, Link } from "./link.ts";
import type { ServedCall } from "./served-call.ts";
import { ServedContext } from "./served-context.ts";
import { ServedStream } from "./served-stream.ts";
import { ServedUnary } from "./served-unary.ts";

/** Serves services over a {@link Link}: unary and all streaming kinds, headers, trailers, error details, deadlines, cancellation. */
export class CallServer implements CallSink {
  private readonly link: Link;
  private readonly heads: CallHeads;
  private readonly calls = new Map<number, ServedCall>();

  /** @param services What is served; make them with `createServiceImplSpec`. A method left out there is answered with UNIMPLEMENTED. */
  constructor(link: Link, services: readonly ServiceImplSpec[]) {
    this.link = link;
    this.heads = new CallHeads(services);
  }

  message(
    bytes: Uint8Array,
    kind: number,
    flags: number,
    prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const call = this.calls.get(id);
    switch (kind) {
      case Kind.OPEN:
        if (call !== undefined) throw fault(`a second Open frame of call ${id}`);
        this.open(this.heads.read(bytes, start, start + prefix), bytes, flags, id, aux, start + prefix, end, owned);
        break;
      case Kind.EXECUTE: {
        const head = this.heads.plain(executeTool);
        if (call !== undefined || head === undefined) throw fault(`a frame of kind ${kind} for call ${id}`);
        this.open(head, bytes, flags, id, aux, start, end, owned);
        break;
      }
      case Kind.MESSAGE:
        call?.request(bytes, aux, start, end, owned);
        break;
      case Kind.END:
        call?.requestsEnd();
        break;
      case Kind.CREDIT:
        call?.grant(aux);
        break;
      case Kind.CANCEL:
        call?.cancelled();
        break;
      default:
        throw fault(`a frame of kind ${kind} for a call of the sender's`);
    }
  }

  isOpen(id: number): boolean {
    return this.calls.has(id);
  }

  breakOff(id: number, error: SnakepitError): void {
    const call = this.calls.get(id);
    if (call !== undefined) call.fail(error);
    else this.refuse(id, toConnectError(error));
  }

  closed(): void {
    for (const call of [...this.calls.values()]) call.cancelled();
  }

  /** @param start Where the request begins. */
  private open(
    { name, spec, headers }: OpenedHead,
    bytes: Uint8Array,
    flags: number,
    id: number,
    timeoutMs: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const isStream = (flags & Flag.STREAM) !== 0;
    if (spec === undefined || isStream === (spec.kind === "unary")) {
      this.link.forget(id);
      const reason = spec === undefined ? "is not implemented" : `is ${isStream ? "unary" : "streaming"}`;
      this.refuse(id, new ConnectError(`${name} ${reason}`, Code.Unimplemented));
      return;
    }
    const context = new ServedContext(spec.method, headers, timeoutMs);
    if (spec.kind === "unary") new ServedUnary(this.link, this.calls, id, context).run(spec, bytes, start, end, owned);
    else new ServedStream(this.link, this.calls, id, context, spec).run();
  }

  private refuse(id: number, error: ConnectError): void {
    this.link.writer.message(Kind.ERROR, 0, 0, id, error.code, [encodeCallError(error)]);
  }
}
