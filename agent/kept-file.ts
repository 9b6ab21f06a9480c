import type { z } from "zod";
import type { Log } from "../runtime/log.ts";
import type { AgentDisk } from "./agent-disk.ts";

/** What was kept under this name. A file that makes no sense is left aside and said. Rejects with `DiskFailure`. */
export async function readKept<Schema extends z.ZodType>(
  disk: AgentDisk,
  name: string,
  schema: Schema,
  log: Log,
): Promise<z.infer<Schema> | undefined> {
  const text = await disk.read(name);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  log.error("a file of the agent is damaged and not used", { file: name, error: parsed.error });
  return undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON is not the expected shape either; the schema says so.
    return undefined;
  }
}
