/** The calls that a transport has in flight. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { SnakepitError } from "../errors/index.ts";
import { toLocalConnectError } from "../errors/wire.ts";
import { CallTable, type TableEntry } from "./call-table.ts";
import { giveBack, Prefixes } from "./execute.ts";
import { checkAnswer, Kind } from "./frame.ts";
import { encodeCallHead } from "./headers.ts";
import type { CallSink, Link } from "./link.ts";

/** A call that was opened through a transport. */
export interface OpenedCall extends TableEntry {
  /** Takes an answer. What it throws fails the connection. */
  answer(bytes: Uint8Array, kind: number, prefix: number, aux: number, start: number, end: number, owned: boolean): void;
  /** It has failed on this side and is out of the table. */
  fail(error: ConnectError): void;
}

/** The calls that a transport has in flight. */
export class OpenedCalls implements CallSink {
  readonly link: Link;
  private readonly table: CallTable<OpenedCall>;
  private readonly heads = new Map<DescMethod, Uint8Array>();
  /** Of the calls that go by the frame of tool calls. */
  readonly prefixes = new Prefixes();

  constructor(link: Link, mark: number) {
    this.link = link;
    this.table = new CallTable(mark);
  }

  add(call: OpenedCall): number {
    return this.table.add(call);
  }

  /** Takes a call out that the other side has ended. What still waits to go there is dropped, which a Cancel must follow. */
  ended(call: OpenedCall): void {
    const id = call.wireId;
    if (!this.table.remove(call) || !this.link.writer.waits(id)) return;
    this.link.writer.drop(id);
    this.link.writer.control(Kind.CANCEL, 0, id, 0);
  }

  /** Ends a call on this side. Answers false when it has ended already. */
  cancel(call: OpenedCall, error: ConnectError): boolean {
    const id = call.wireId;
    if (!this.table.remove(call)) return false;
    this.link.forget(id);
    this.link.writer.control(Kind.CANCEL, 0, id, 0);
    call.fail(error);
    return true;
  }

  /** What precedes the message of an Open frame. */
  head(method: DescMethod, headers: HeadersInit | undefined): Uint8Array {
    if (headers !== undefined) return encodeCallHead(method, new Headers(headers));
    let head = this.heads.get(method);
    if (head === undefined) {
      head = encodeCallHead(method, undefined);
      this.heads.set(method, head);
    }
    return head;
  }

  message(
    bytes: Uint8Array,
    kind: number,
    _flags: number,
    prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    checkAnswer(kind);
    const call = this.table.get(id);
    if (call !== undefined) call.answer(bytes, kind, prefix, aux, start, end, owned);
    else giveBack(this.link.memory, kind, bytes, start + (kind === Kind.RESULT ? prefix : 0), end);
  }

  isOpen(id: number): boolean {
    return this.table.get(id) !== undefined;
  }

  breakOff(id: number, error: SnakepitError): void {
    const call = this.table.get(id);
    if (call !== undefined) this.cancel(call, toLocalConnectError(error));
  }

  closed(reason: SnakepitError): void {
    for (const call of this.table.clear()) call.fail(toLocalConnectError(reason));
  }
}
