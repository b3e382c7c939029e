import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inodeOf } from "./file.ts";
import { moveAside } from "./move-aside.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "move-aside-"));
  path = join(folder, "r.sqlite");
  writeFileSync(path, "damaged");
});
afterEach(() => rmSync(folder, { recursive: true }));

const noon = Date.UTC(2026, 0, 1, 12);

test("a file goes with what stands beside it, under a name that says when", () => {
  writeFileSync(`${path}-wal`, "log");
  expect(moveAside(path, inodeOf(path), noon)).toBe(`${path}.corrupt-2026-01-01T12-00-00-000Z`);
  expect(readdirSync(folder).toSorted()).toEqual([
    "r.sqlite.corrupt-2026-01-01T12-00-00-000Z",
    "r.sqlite.corrupt-2026-01-01T12-00-00-000Z-wal",
  ]);
});

test("a file that another program has put there since stays", () => {
  const damaged = inodeOf(path);
  // Renamed and not removed, so that its number is not given again.
  renameSync(path, `${path}.moved`);
  writeFileSync(path, "new");
  expect(moveAside(path, damaged, noon)).toBeUndefined();
  expect(readFileSync(path, "utf8")).toBe("new");
});

test("while another program is at it nothing is moved, until that has been killed", () => {
  mkdirSync(`${path}.lock`);
  const now = Date.now();
  expect(moveAside(path, inodeOf(path), now)).toBeUndefined();
  expect(readFileSync(path, "utf8")).toBe("damaged");
  expect(moveAside(path, inodeOf(path), now + 60_000)).toBeUndefined();
  expect(moveAside(path, inodeOf(path), now + 60_000)).toStartWith(`${path}.corrupt-`);
});
