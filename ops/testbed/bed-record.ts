import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { run } from "./command.ts";

export const RECORD_FILE = "bed.json";
/** Each testbed owns one 10.x.0.0/16; x is searched from here on, above the ranges that home routers and VPNs like. */
const FIRST_RANGE = 100;
const RANGES = 140;

/** A process, told apart from a later one with the same number by its start (clock ticks since boot). */
const ownerSchema = z.object({ pid: z.number().int().positive(), startTicks: z.string() });

const recordSchema = z.object({
  name: z.string(),
  /** Six hexadecimal digits that make every name on this machine (namespaces, links, cgroups) unique. */
  token: z.string().regex(/^[0-9a-f]{6}$/),
  /** The second octet of the addresses. */
  range: z.number().int().min(0).max(255),
  nodes: z.number().int().min(1),
  /** Absent: nobody's; it stays until `down`. */
  owner: ownerSchema.optional(),
  engineArguments: z.array(z.string()),
});

/** What is known about a testbed on disk: enough to use it from another process, and to remove all of it. */
export type BedRecord = Readonly<z.infer<typeof recordSchema>>;
export type Owner = Readonly<z.infer<typeof ownerSchema>>;

export const bedsDirectory = (cache: string): string => join(cache, "beds");
export const bedDirectory = (cache: string, name: string): string => join(bedsDirectory(cache), name);
/** Sockets live here: a short path on purpose, since the kernel refuses those of more than 107 bytes. */
export const runDirectory = (record: BedRecord): string => `/run/odysseus-testbed/${record.token}`;

/** In memory on every machine, and seen by nodes under the same path: the machine's /dev is theirs. */
export const memoryDirectory = (record: BedRecord): string => `/dev/shm/odysseus-testbed-${record.token}`;

function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // field 22; the name before it may contain spaces
  } catch {
    return undefined;
  }
}

export function ownerOfThisProcess(): Owner {
  return { pid: process.pid, startTicks: startTicksOf(process.pid) ?? "" };
}

export const isAlive = (owner: Owner): boolean => startTicksOf(owner.pid) === owner.startTicks;

/** Undefined also for a record that another version of this program wrote: it is left to that version. */
export function readRecord(cache: string, name: string): BedRecord | undefined {
  const path = join(bedDirectory(cache, name), RECORD_FILE);
  return existsSync(path) ? recordSchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data : undefined;
}

export function listRecords(cache: string): readonly BedRecord[] {
  if (!existsSync(bedsDirectory(cache))) return [];
  return readdirSync(bedsDirectory(cache)).flatMap((name) => readRecord(cache, name) ?? []);
}

export function writeRecord(cache: string, record: BedRecord): void {
  const directory = bedDirectory(cache, record.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, RECORD_FILE);
  writeFileSync(`${path}.new`, JSON.stringify(record, null, 2));
  renameSync(`${path}.new`, path);
}

export const newToken = (): string => randomBytes(3).toString("hex");

/** A second octet that neither another testbed nor any route of this machine uses. */
export async function freeRange(taken: readonly BedRecord[]): Promise<number> {
  const routes = await run("ip", ["-4", "route", "show", "table", "all"]);
  const start = Math.floor(Math.random() * RANGES);
  for (let step = 0; step < RANGES; step++) {
    const range = FIRST_RANGE + ((start + step) % RANGES);
    if (!routes.includes(` 10.${range}.`) && !routes.includes(`\n10.${range}.`) && !taken.some((bed) => bed.range === range)) return range;
  }
  throw new Error(`no free network range from 10.${FIRST_RANGE} to 10.${FIRST_RANGE + RANGES - 1}`);
}
