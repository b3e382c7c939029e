import { expect, test } from "bun:test";
import { NdArray } from "../value/index.ts";
import { parseJson, printJson } from "./json.ts";

test("what JSON can hold is printed as JSON", () => {
  const value = { a: [1, -0.5, null, true, "ä\n"], b: { c: {} }, d: [] };
  expect(printJson(value)).toBe(JSON.stringify(value));
  expect(printJson(value, true)).toBe(JSON.stringify(value, undefined, 2));
});

test("what it cannot hold is printed as what reads best", () => {
  expect(printJson(2n ** 70n)).toBe("1180591620717411303424");
  expect(printJson([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe('["NaN","Infinity","-Infinity"]');
  expect(printJson(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
  expect(printJson(new Uint8Array([0, 255]))).toBe('"AP8="');
  expect(printJson(new Float64Array([1, 2.5]))).toBe("[1,2.5]");
  expect(printJson(new BigInt64Array([1n]))).toBe("[1]");
  expect(printJson(undefined)).toBe("null");
});

test("a Map is an object when its keys are text, and pairs otherwise", () => {
  expect(printJson(new Map([["a", 1]]))).toBe('{"a":1}');
  expect(printJson(new Map([[1, "a"]]))).toBe('[[1,"a"]]');
});

test("an array of any shape is nested lists", () => {
  expect(printJson(new NdArray(new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]))).toBe("[[1,2,3],[4,5,6]]");
  expect(printJson(new NdArray(new Float64Array([1, 2, 3, 4]), [2, 1, 2]))).toBe("[[[1,2]],[[3,4]]]");
  expect(printJson(new NdArray(new Float64Array([7]), []))).toBe("7");
  expect(printJson(new NdArray(new Uint8Array([1, 0]), [2], "b1"))).toBe("[true,false]");
  expect(printJson(new NdArray(new Float64Array([0, 1]), [1], "c16"))).toBe("[[0,1]]");
  expect(printJson(new NdArray(new Float64Array(0), [0, 3]))).toBe("[]");
});

test("an array without elements keeps its outer shape", () => {
  expect(printJson(new NdArray(new Float64Array(0), [2, 0]))).toBe("[[],[]]");
});

test("no digit of a whole number is lost when it is read", () => {
  expect(parseJson('{"a": 12345678901234567890, "b": 1.5, "c": 3, "d": 1e20}')).toEqual({
    a: 12345678901234567890n,
    b: 1.5,
    c: 3,
    d: 1e20,
  });
});

test("text that is no JSON is refused", () => {
  expect(() => parseJson("{a: 1}")).toThrow(SyntaxError);
});
