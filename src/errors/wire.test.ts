import { describe, expect, test } from "bun:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "../gen/snakepit/v1/error_pb.ts";
import { ConnectionLost, InputFailed, isSnakepitError, ProtocolError, ToolFailed, ToolNotFound, WorkerCrashed } from "./index.ts";
import { fromAny, fromConnectError, fromDetail, memberFromDetail, toConnectError, toDetail } from "./wire.ts";

const sent = (error: unknown): Error => fromDetail(fromBinary(ErrorDetailSchema, toBinary(ErrorDetailSchema, toDetail(error))));

describe("errors over the wire", () => {
  test("come back as the same class with the same fields, sentence and retryability", () => {
    const error = new WorkerCrashed(
      { worker: "w1", exitCode: null, signal: "SIGKILL", oom: true, attempts: 2, stderr: ["a", "b"] },
      { retryable: true },
    );
    const back = sent(error);
    expect(back).toBeInstanceOf(WorkerCrashed);
    expect(back).toMatchObject({ _tag: "WorkerCrashed", exitCode: null, signal: "SIGKILL", oom: true, attempts: 2, stderr: ["a", "b"] });
    expect(back.message).toBe(error.message);
    expect(isSnakepitError(back) && back.retryable).toBe(true);
  });

  test("keep the sentence that the other side computed", () => {
    const error = new ToolNotFound({ tool: "add", nearest: [] }, { message: "no such thing" });
    expect(sent(error).message).toBe("no such thing");
  });

  test("keep their chain of causes, in and outside the family", () => {
    const root = new RangeError("root");
    const middle = new ToolFailed(
      { tool: "t", type: "ValueError", detail: "d", traceback: "tb", causes: [{ type: "A", message: "m", traceback: "" }] },
      { cause: root },
    );
    const back = sent(new InputFailed({ tool: "t", argument: "a", detail: "x" }, { cause: middle }));
    expect(back).toBeInstanceOf(InputFailed);
    expect(back.cause).toBeInstanceOf(ToolFailed);
    expect(back.cause).toMatchObject({
      causes: [{ type: "A", message: "m", traceback: "" }],
      cause: { name: "RangeError", message: "root" },
    });
  });

  test("end a chain that never ends", () => {
    const error = new Error("again");
    error.cause = error;
    expect(sent(error).message).toBe("again");
  });

  test("carry fields that JSON has no place for as text", () => {
    const error = new ProtocolError({ reason: "r", ...{ big: 12n, none: undefined, nan: Number.NaN } });
    expect(sent(error)).toMatchObject({ big: "12", nan: "NaN" });
  });

  test("go as details of Connect errors and come back from them", () => {
    const error = new ToolNotFound({ tool: "add", nearest: ["sub"] });
    const connect = toConnectError(error);
    expect(connect.code).toBe(Code.NotFound);
    expect(fromConnectError(connect)).toMatchObject({ _tag: "ToolNotFound", nearest: ["sub"] });
    expect(fromConnectError(new ConnectError("plain"))).toBeUndefined();
    expect(toConnectError(connect)).toBe(connect);
    expect(toConnectError(new TypeError("t"))).toMatchObject({ code: Code.Unknown, rawMessage: "t" });
  });

  test("of unknown kind are wrapped when a member is asked for, and unreadable ones named", () => {
    expect(memberFromDetail(toDetail(new TypeError("odd")))).toMatchObject({ _tag: "ProtocolError", cause: { name: "TypeError" } });
    expect(fromAny(ErrorDetailSchema.typeName, Uint8Array.of(0xff, 0xff))).toMatchObject({ _tag: "ProtocolError" });
    expect(fromAny("google.rpc.Status", Uint8Array.of())).toBeUndefined();
    expect(memberFromDetail(toDetail(new ConnectionLost({ worker: "w", reason: "r" })))).toBeInstanceOf(ConnectionLost);
  });
});
