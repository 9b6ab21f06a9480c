import { z } from "zod";
import { LogLine } from "../node/contract.ts";

/** What a reader of logs receives. */
export const LogItem = z.discriminatedUnion("kind", [
  /** First: which containers are read. */
  z.object({ kind: z.literal("opened"), containers: z.array(z.string()) }),
  z.object({
    kind: z.literal("line"),
    ...LogLine.shape,
    deployment: z.string(),
    slot: z.int(),
    node: z.string().optional(),
    /** kept: from the evidence of an attempt whose container is gone or out of reach. */
    from: z.enum(["container", "kept"]),
  }),
  /** Something is missing, or comes late: said, never passed over. */
  z.object({
    kind: z.literal("notice"),
    code: z.enum(["node-unreachable", "node-back", "lines-dropped", "lines-lost", "notices-dropped", "refused", "container-gone"]),
    node: z.string().optional(),
    containers: z.array(z.string()),
    message: z.string(),
  }),
  z.object({ kind: z.literal("end"), reason: z.enum(["complete", "deleted"]) }),
]);
export type LogItem = z.infer<typeof LogItem>;
export type LogItemLine = Extract<LogItem, { readonly kind: "line" }>;
export type LogNotice = Extract<LogItem, { readonly kind: "notice" }>;

/** What to read. */
export interface LogWish {
  readonly follow: boolean;
  /** Last lines per container; absent: all that are kept. */
  readonly tail: number | undefined;
  readonly sinceMs: number | undefined;
  readonly streams: readonly ("stdout" | "stderr")[];
}
