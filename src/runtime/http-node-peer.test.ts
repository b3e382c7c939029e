import { expect, test } from "bun:test";
import { splitNames, subjectText } from "./http-node-peer.ts";

test.each<[object | undefined, string]>([
  [{ CN: "worker", O: "Example" }, "CN=worker,O=Example"],
  [{ CN: "worker", OU: ["one", "two"] }, "CN=worker,OU=one,OU=two"],
  // One name that reads like two.
  [{ CN: "worker,O=Example" }, "CN=worker\\,O\\=Example"],
  [{ CN: 'a\\"b' }, 'CN=a\\\\\\"b'],
  [undefined, ""],
])("the subject %j is %p", (subject, text) => {
  expect(subjectText(subject)).toBe(text);
});

test.each<[string, string[]]>([
  ["", []],
  ["DNS:a.test, IP Address:127.0.0.1, URI:spiffe://test/batch", ["DNS:a.test", "IP Address:127.0.0.1", "URI:spiffe://test/batch"]],
  // As Node writes a name that holds what separates names.
  ['DNS:"a.test, DNS:b.test"', ["DNS:a.test, DNS:b.test"]],
])("the names %j are %j", (text, names) => {
  expect(splitNames(text)).toEqual(names);
});
