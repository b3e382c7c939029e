// Answer at the edge with what Python yields. A handler of `fetch`, for workerd, Deno and Bun.
import { connect, isSnakepitError } from "snakepit/client";

/** Where the gateway is, and who asks. */
interface Environment {
  readonly PIT_URL: string;
  readonly PIT_TOKEN: string;
}

export default {
  async fetch(request: Request, { PIT_URL, PIT_TOKEN }: Environment): Promise<Response> {
    const pit = connect({ url: PIT_URL, token: PIT_TOKEN });
    const prompt = new URL(request.url).searchParams.get("prompt") ?? "";
    const words = pit.executeStream<string>("tokens", { prompt }, { signal: request.signal });
    try {
      // The first word before the status is sent: a call that fails is no 200.
      const first = await words.next();
      return new Response(textOf(first, words), { headers: { "content-type": "text/plain; charset=utf-8" } });
    } catch (error) {
      const tag = isSnakepitError(error) ? error._tag : "Error";
      return Response.json({ error: tag }, { status: tag === "Unauthenticated" || tag === "PermissionDenied" ? 502 : 500 });
    }
  },
};

/** A body that is read as fast as its reader likes. Who leaves it closes the Python generator. */
function textOf(first: IteratorResult<string>, words: AsyncIterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<string>> = Promise.resolve(first);
  return new ReadableStream({
    async pull(body) {
      const { done, value } = await next;
      if (done === true) return body.close();
      body.enqueue(encoder.encode(`${value}\n`));
      next = words.next();
      next.catch(() => {});
    },
    async cancel() {
      await words.return?.();
    },
  });
}
