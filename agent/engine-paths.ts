import { isAbsolute, join, relative } from "node:path";

/** One directory under two paths: the agent's and the engine's. */
export interface EnginePath {
  readonly agent: string;
  readonly engine: string;
}

/**
 * Where the engine finds what the agent sees at `path`. They share a file system as a rule, and then it is the same path; an agent in a container, or an
 * engine in a mount namespace of its own, has other names for it. The longest directory that holds the path decides.
 */
export function seenByEngine(path: string, paths: readonly EnginePath[]): string {
  const [nearest] = paths.filter(({ agent }) => isWithin(path, agent)).toSorted((a, b) => b.agent.length - a.agent.length);
  return nearest === undefined ? path : join(nearest.engine, relative(nearest.agent, path));
}

function isWithin(path: string, directory: string): boolean {
  const rest = relative(directory, path);
  return rest !== ".." && !rest.startsWith("../") && !isAbsolute(rest);
}
