import { dirname } from "node:path";
import type { FoundProgram, ProxySource } from "../../agent/ingress/proxy-image.ts";
import type { Log } from "../../runtime/log.ts";
import { findTool } from "../tools/find-tool.ts";
import { tools } from "../tools/table.ts";
import type { IngressSource } from "./settings.ts";

/** How the agent gets its proxy; nothing is fetched before it is needed. */
export function proxySource(settings: IngressSource, node: string, log: Log): ProxySource {
  switch (settings.kind) {
    case "image": {
      const { reference, toolsDirectory } = settings;
      return {
        kind: "image",
        reference,
        otherwise: toolsDirectory === undefined ? undefined : () => program(toolsDirectory, process.env, log),
      };
    }
    case "program": {
      const { path } = settings;
      return { kind: "program", find: () => program(dirname(path), { ...process.env, [tools.traefik.environmentVariable]: path }, log) };
    }
    case "off":
      return {
        kind: "off",
        reason: `The settings of node ${node}'s agent say that it runs no proxy: publish ports with mode=host, or change them.`,
      };
    default:
      return settings satisfies never;
  }
}

async function program(toolsFolder: string, env: NodeJS.ProcessEnv, log: Log): Promise<FoundProgram> {
  // An agent changes nothing of the machine: what is to be installed is installed by whoever started it.
  const found = await findTool("traefik", { toolsFolder, env, say: (line) => log.info(line), consent: async () => false });
  return found.kind === "found"
    ? { kind: "found", path: found.path, version: found.version }
    : { kind: "missing", sentence: found.sentence };
}
