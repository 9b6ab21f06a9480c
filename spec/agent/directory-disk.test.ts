import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DiskFailure } from "../../agent/agent-disk.ts";
import { openDirectoryDisk } from "../../agent/directory-disk.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "odysseus-disk-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("what was written is read again, and only by its owner", async () => {
  const disk = await openDirectoryDisk(join(directory, "agent"));
  await disk.write("assignment.json", "one");
  await disk.write("assignment.json", "two");
  expect(await disk.read("assignment.json")).toBe("two");
  expect(await disk.read("other.json")).toBeUndefined();
  expect(await disk.names()).toEqual(["assignment.json"]);
  expect((await stat(join(directory, "agent"))).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, "agent", "assignment.json"))).mode & 0o777).toBe(0o600);
  await disk.remove("assignment.json");
  expect(await disk.names()).toEqual([]);
});

test("what a crash left half written is not seen, and gone after the next start", async () => {
  await writeFile(join(directory, "assignment.json.1.unfinished"), "ha");
  await openDirectoryDisk(directory);
  expect(await readdir(directory)).toEqual([]);
});

test("a directory that is none is said in a sentence", async () => {
  const path = join(directory, "file");
  await writeFile(path, "");
  await chmod(path, 0o600);
  const failure: unknown = await openDirectoryDisk(path).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(DiskFailure);
  expect(String(failure)).toContain(path);
});
