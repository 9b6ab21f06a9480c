import { join } from "node:path";
import type { AgentFile } from "./settings.ts";

/** Where an agent's directory in memory may be, best first: as its settings say, or as the system gives one to root, to a user, to anybody. */
export function runDirectories(
  { tenant, node, runDirectory }: Pick<AgentFile, "tenant" | "node" | "runDirectory">,
  uid: number,
  env: NodeJS.ProcessEnv,
): readonly string[] {
  if (runDirectory !== undefined) return [runDirectory];
  const own = `${tenant}-${node}`;
  const ofUser = env["XDG_RUNTIME_DIR"];
  return [
    ...(uid === 0 ? [join("/run/odysseus", own)] : []),
    ...(ofUser === undefined || uid === 0 ? [] : [join(ofUser, "odysseus", own)]),
    join("/dev/shm", `odysseus-${uid}-${own}`),
  ];
}
