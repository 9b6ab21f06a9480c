import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openMemoryShelf } from "../../agent/memory-shelf.ts";
import { requireCapability } from "../support/capability.ts";

const describeWithMounts = await requireCapability("testbed");

describeWithMounts("the files of containers", () => {
  const folder = mkdtempSync(join(tmpdir(), "odysseus-shelf-"));
  const shell = (script: string): string => execFileSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
  const memory = (name: string): string => join(folder, name);
  const owner = { uid: 0, gid: 0, mode: 0o555 };

  beforeAll(() => {
    shell("mkdir data programs");
    shell("mount -t tmpfs -o noexec,size=1m,mode=700 none data && mount -t tmpfs -o exec,size=1m,mode=700 none programs");
  });
  afterAll(() => {
    shell("umount data programs");
    rmSync(folder, { recursive: true });
  });

  const placeOf = async (...names: readonly string[]): Promise<string> => {
    const shelf = await openMemoryShelf({ candidates: names.map(memory), seenByEngine: (path) => path });
    return shelf.put("p1", "start.sh", Buffer.from("#!/bin/sh\n"), owner);
  };

  test("are kept where they may be programs, if there is such a place in memory", async () => {
    expect(await placeOf("data", "programs")).toMatch(/\/programs\/files\/p1\/start\.sh$/);
  });

  test("are kept where they may not, if there is no other", async () => {
    expect(await placeOf("data")).toMatch(/\/data\/files\/p1\/start\.sh$/);
  });
});
