/** What a handler is told about its call. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { Header } from "../gen/snakepit/v1/frame_pb.ts";
import { encodeCallMeta, toHeaders } from "./headers.ts";

/** Makes what a call fails with when its time is up. For handlers that have more to say of it than Connect's own error does. */
export const timeoutError = createContextKey<(() => unknown) | undefined>(undefined, { description: "error of a timeout" });

/** Nearly no handler looks at any of it, and each of its parts takes longer to make than a small answer: they are made when they are asked for. */
export class ServedContext implements HandlerContext {
  readonly method: DescMethod;
  readonly protocolName = "snakepit";
  readonly requestMethod = "POST";
  readonly #headers: readonly Header[];
  /** When its time is up, as `performance.now()` has it. */
  readonly #deadline: number | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;
  #controller: AbortController | undefined;
  #end: { readonly reason: unknown } | undefined;

  /** @param timeoutMs How long the call may take; 0 for as long as it likes. */
  constructor(method: DescMethod, headers: readonly Header[], timeoutMs: number) {
    this.method = method;
    this.#headers = headers;
    this.#deadline = timeoutMs > 0 ? performance.now() + timeoutMs : undefined;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get url(): string {
    return `snakepit:/${this.service.typeName}/${this.method.name}`;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#end !== undefined) this.#controller.abort(this.#end.reason);
    }
    return this.#controller.signal;
  }

  get timeoutMs(): () => number | undefined {
    return () => (this.#deadline === undefined ? undefined : this.#deadline - performance.now());
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= toHeaders(this.#headers);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
  }

  /** What it fails with when its time is up; undefined when the handler has not said. */
  timeoutError(): unknown {
    return this.#values?.get(timeoutError)?.();
  }

  /** The headers that the handler has set; undefined when it has not looked at them. */
  get ownHeader(): Headers | undefined {
    return this.#responseHeader;
  }

  /** The handler's headers, unless they are sent already, and its trailers. */
  meta(hasHead = false): Uint8Array {
    return encodeCallMeta(hasHead ? undefined : this.#responseHeader, this.#responseTrailer);
  }

  /** The handler's headers alone. */
  head(): Uint8Array {
    return encodeCallMeta(this.#responseHeader, undefined);
  }

  /** Adds the handler's trailers to those of an error. */
  addTrailers(to: Headers): void {
    this.#responseTrailer?.forEach((value, name) => {
      to.append(name, value);
    });
  }

  /** The call is over: whoever looks at the signal hears of it. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    this.#controller?.abort(reason);
  }
}
