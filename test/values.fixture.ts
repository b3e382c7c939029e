/** Prints the encoding of one value of each kind, then what it decodes to. Run by every runtime, with and without Buffer. */
if (globalThis.process?.argv.includes("--no-buffer")) Reflect.deleteProperty(globalThis, "Buffer");
// Imported afterwards, because the way to handle text is chosen when it is loaded.
const { decode, Encoder } = await import("../src/value/index.ts");

const value = {
  numbers: [0, -0, 1.5, 127, 128, 65_536, 2 ** 31, 2 ** 32, -33, -(2 ** 40), Number.MAX_SAFE_INTEGER, Number.NaN, -Infinity],
  bigints: [2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 2_000n)],
  text: ["", "short", "é", "€ and 😀", "\ufeffmark", "\ufffd", "x".repeat(300), "é".repeat(200), "€".repeat(30_000)],
  dates: [new Date(0), new Date(-1), new Date(1_700_000_000_123)],
  bytes: new Uint8Array([1, 2, 3]),
  map: new Map<unknown, unknown>([
    [1, null],
    ["schlüssel", true],
    [["a", 2], new Set([undefined])],
  ]),
  nested: { a: { b: [{ c: undefined, d: false }] } },
};
const bytes = new Encoder().encode(value);
const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const again = new Encoder().encode(decode(bytes));
const same = again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
let refused = "";
try {
  new Encoder().encode({ deep: ["half", "\ud800"] });
} catch (error) {
  refused = String(error);
}
console.log(JSON.stringify({ buffer: typeof Buffer, hex, same, refused }));
