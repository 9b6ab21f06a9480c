import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BedRecord, bedDirectory, isAlive, listRecords, memoryDirectory, RECORD_FILE, runDirectory } from "./bed-record.ts";
import { killMembers, removeCgroup } from "./cgroup.ts";
import { run } from "./command.ts";
import { withLock } from "./lock.ts";
import { removeNetwork } from "./network.ts";

/** Claiming and sweeping take turns; removing one testbed takes about a second. */
const BEDS_LOCK_TIMEOUT_MS = 2 * 60_000;

export const withBedsLock = <T>(cache: string, work: () => Promise<T>): Promise<T> =>
  withLock(join(cache, "beds.lock"), BEDS_LOCK_TIMEOUT_MS, work);

/** Removes a testbed whole: processes, namespaces, links, cgroups, data. Works on what a killed process left half made, and twice. */
export async function dismantle(cache: string, bed: BedRecord): Promise<void> {
  await killMembers(bed.token);
  await removeNetwork(bed);
  removeCgroup(bed.token);
  for (const directory of [runDirectory(bed), memoryDirectory(bed)]) rmSync(directory, { recursive: true, force: true });
  await removeData(bedDirectory(cache, bed.name));
}

/** The record goes last, so that an interrupted removal is taken up again. */
async function removeData(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const data = readdirSync(directory).filter((entry) => entry !== RECORD_FILE);
  await run("rm", ["-rf", "--one-file-system", ...data.map((entry) => join(directory, entry))]);
  rmSync(directory, { recursive: true });
}

/** Removes the testbeds whose owning process is dead. */
export async function sweepStaleBeds(cache: string): Promise<void> {
  await withBedsLock(cache, async () => {
    for (const bed of listRecords(cache)) if (bed.owner !== undefined && !isAlive(bed.owner)) await dismantle(cache, bed);
  });
}
