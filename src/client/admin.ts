/** How a pit is looked after through its gateway. For the dashboard and `snakepit top`; not part of the public client. */
import type { JsonObject } from "@bufbuild/protobuf";
import { ProtocolError } from "../errors/index.ts";
import { AdminService, type PitStatus } from "../gen/snakepit/v1/admin_pb.ts";
import { Connection } from "./connection.ts";
import { generatedMethods } from "./generated.ts";
import { type ConnectOptions, clientSettings } from "./options.ts";

const method = generatedMethods(AdminService.method);

/** Asks the AdminService of one gateway. Nothing is asked twice. */
export class AdminClient {
  readonly #connection: Connection;

  /** @throws InvalidOptions. */
  constructor(options: ConnectOptions) {
    this.#connection = new Connection(clientSettings(options));
  }

  /** How it stands. */
  async status(): Promise<PitStatus> {
    return stated(await this.#connection.unary(method.getStatus, { message: {}, signal: this.#connection.closed }));
  }

  /** How it stands, at once and then at an interval, until `signal` is aborted. */
  async *watchStatus(intervalMs: number, signal: AbortSignal): AsyncGenerator<PitStatus> {
    for await (const message of this.#connection.stream(method.watchStatus, { message: { intervalMs }, signal })) yield stated(message);
  }

  /** Events of these types, those that are remembered first, until `signal` is aborted. */
  async *watchEvents(types: readonly string[], signal: AbortSignal): AsyncGenerator<JsonObject> {
    const message = { types: [...types], recent: true };
    for await (const { event } of this.#connection.stream(method.watchEvents, { message, signal })) {
      if (event !== undefined) yield event;
    }
  }

  /** What is remembered of the past, of these types: most of each, the last ones. */
  async events(types: readonly string[], limit: number): Promise<readonly JsonObject[]> {
    return (await this.#connection.unary(method.listEvents, { message: { types: [...types], limit }, signal: this.#connection.closed }))
      .events;
  }

  /** Cancels a call. False when it is over. */
  async cancelCall(id: string): Promise<boolean> {
    return (await this.#connection.unary(method.cancelCall, { message: { id }, signal: this.#connection.closed })).cancelled;
  }

  /** Kills a worker, which is replaced. False when there is none of this name. */
  async killWorker(worker: string): Promise<boolean> {
    return (await this.#connection.unary(method.killWorker, { message: { worker }, signal: this.#connection.closed })).killed;
  }

  /** Has every worker replaced by one with the code as it is now, and resolves when that is done. */
  async reloadTools(): Promise<void> {
    await this.#connection.unary(method.reloadTools, { message: {}, signal: this.#connection.closed });
  }

  /** Fails what is asked with PoolClosed. A watch ends with its own signal. */
  close(): void {
    this.#connection.close();
  }
}

function stated({ status }: { readonly status?: PitStatus | undefined }): PitStatus {
  if (status === undefined) throw new ProtocolError({ reason: "an answer has no status" });
  return status;
}
