/** Writes into the record of a request what became of it. */
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { isSnakepitError } from "../../errors/index.ts";
import { codeName, type RequestRecord, recordKey } from "./audit.ts";

/** Goes around every handler of the gateway. */
export const noteOutcomes: Interceptor = (next) => async (request) => {
  const record = request.contextValues.get(recordKey);
  try {
    const response = await next(request);
    if (response.stream) return { ...response, message: noted(response.message, record) };
    record.outcome = "ok";
    return response;
  } catch (error) {
    record.outcome = outcomeOf(error);
    throw error;
  }
};

async function* noted<T>(messages: AsyncIterable<T>, record: RequestRecord): AsyncIterable<T> {
  // Stays when whoever reads leaves.
  record.outcome = "canceled";
  try {
    yield* messages;
    record.outcome = "ok";
  } catch (error) {
    record.outcome = outcomeOf(error);
    throw error;
  }
}

const outcomeOf = (error: unknown): string => codeName(isSnakepitError(error) ? error.code : ConnectError.from(error).code);
