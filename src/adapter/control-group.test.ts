import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlGroupsIn, ownGroup } from "./control-group.ts";

const folder = mkdtempSync(join(tmpdir(), "control-group-"));
afterAll(() => rmSync(folder, { recursive: true }));

const mount = (root: string, at: string, type = "cgroup2"): string =>
  `41 31 0:38 ${root} ${at} rw,relatime shared:9 - ${type} cgroup2 rw\n`;

test("the own group is below where its hierarchy is mounted", () => {
  const v1 = mount("/", "/sys/fs/cgroup/memory", "cgroup");
  expect(ownGroup(v1 + mount("/", "/sys/fs/cgroup"), "0::/user.slice/app.service\n")).toBe("/sys/fs/cgroup/user.slice/app.service");
  expect(ownGroup(mount("/", "/sys/fs/cgroup/unified"), "4:memory:/job\n0::/\n")).toBe("/sys/fs/cgroup/unified");
});

test("a container may see only a part of the hierarchy, or none of its own", () => {
  expect(ownGroup(mount("/docker/1", "/sys/fs/cgroup"), "0::/docker/1/worker\n")).toBe("/sys/fs/cgroup/worker");
  expect(ownGroup(mount("/docker/1", "/sys/fs/cgroup"), "0::/docker/2\n")).toBeUndefined();
  expect(ownGroup(mount("/", "/sys/fs/cgroup/memory", "cgroup"), "4:memory:/job\n")).toBeUndefined();
  expect(ownGroup("", "")).toBeUndefined();
});

test("says when the group is not this program's to divide", async () => {
  const missing = { missing: expect.stringMatching(/^the cgroup .* is not delegated to this program, such as by Delegate=yes/) };
  expect(await controlGroupsIn(join(folder, "none"))).toEqual(missing);
  expect(await controlGroupsIn(folder)).toEqual(missing);
});

test("says when the kernel cannot end a group as a whole", async () => {
  writeFileSync(join(folder, "cgroup.procs"), "");
  expect(await controlGroupsIn(folder)).toEqual({ missing: expect.stringContaining("cgroup.kill") });
});
