import { expect, test } from "bun:test";
import { CallTable } from "./call-table.ts";

const entry = (): { wireId: number } => ({ wireId: 0 });

test("an id finds its call until it is removed, and nothing after that", () => {
  const table = new CallTable<{ wireId: number }>(0);
  const call = entry();
  const id = table.add(call);
  expect(id).not.toBe(0);
  expect(call.wireId).toBe(id);
  expect(table.get(id)).toBe(call);
  expect(table.remove(call)).toBe(true);
  expect(call.wireId).toBe(0);
  expect(table.get(id)).toBeUndefined();
  expect(table.remove(call)).toBe(false);
  expect(table.size).toBe(0);
});

test("a late answer never finds the call that has its slot now", () => {
  const table = new CallTable<{ wireId: number }>(0x4000_0000);
  const old: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    const call = entry();
    const id = table.add(call);
    expect(id >>> 30).toBe(1);
    table.remove(call);
    old.push(id);
  }
  const call = entry();
  table.add(call);
  expect(old.filter((id) => table.get(id) !== undefined)).toEqual([]);
});

test("a call that lasts keeps its id while thousands of others come and go, and the table grows", () => {
  const table = new CallTable<{ wireId: number }>(0x8000_0000);
  const lasting = Array.from({ length: 3000 }, entry);
  const ids = lasting.map((call) => table.add(call));
  for (let i = 0; i < 20_000; i++) {
    const call = entry();
    table.add(call);
    table.remove(call);
  }
  expect(new Set(ids).size).toBe(3000);
  expect(ids.every((id) => id >= 0x8000_0000)).toBe(true);
  expect(ids.map((id) => table.get(id))).toEqual(lasting);
  expect(table.clear()).toHaveLength(3000);
  expect(table.size).toBe(0);
  expect(lasting.every((call) => call.wireId === 0)).toBe(true);
});
