import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { StartFailure } from "./failure.ts";

/** What the owner of this machine has to say about its node: `node.json` in the state directory, written by hand. Unknown keys are refused. */
const NodeSettings = z.strictObject({ allow: NodeAllowance.prefault({}) });
export type NodeSettings = z.infer<typeof NodeSettings>;

/** Nothing is allowed where there is no such file. Throws `StartFailure`. */
export function readNodeSettings(path: string): NodeSettings {
  if (!existsSync(path)) return NodeSettings.parse({});
  const parsed = NodeSettings.safeParse(jsonOf(path));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new StartFailure(`${path} is not understood: ${problems}. Correct it and start again.`, exitCodes.usage, parsed.error);
}

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new StartFailure(`${path} is not JSON: correct it and start again.`, exitCodes.usage, error);
  }
}
