import { realpath } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { engineFailures } from "./engine/failures.ts";

/** Where a path of the node leads, with links followed. Rejects with `EngineFailure`. */
export type RealPath = (path: string) => Promise<string>;

/** On this machine, as far as the path exists: what does not yet can be no link. */
export const realPathHere: RealPath = async (path) => {
  for (let known = path; ; known = dirname(known)) {
    try {
      return join(await realpath(known), relative(known, path));
    } catch (cause) {
      if (known === dirname(known)) throw engineFailures.engineError(`looking at ${path}`, String(cause), cause);
    }
  }
};

/** A simulated node has no links, and looks at no disk of the machine it is simulated on. */
export const pathWithoutLinks: RealPath = async (path) => path;
