import { exitCodes } from "../start/exit-codes.mjs";
import type { ProvisionContext } from "./context.ts";
import { canInstallEngine, grantAccess, installCommands, installEngine, isEngineInstalled, startEngine } from "./engine-install.ts";
import { probeEngine } from "./engine-probe.ts";
import type { EngineProbe } from "./engine-probe.ts";
import { isAtLeast } from "./version.ts";

/** The oldest engine a node may have; the quick start's own node may have an older one and is then degraded. */
export const MINIMUM_ENGINE_VERSION = "24.0";
export const DEFAULT_ENGINE_SOCKET = "/var/run/docker.sock";

/** Every kind but `ready` carries one sentence (what, where, what to do) and the code to end with. */
export type FoundEngine =
  | { readonly kind: "ready"; readonly socketPath: string; readonly version: string; readonly degraded?: string }
  | { readonly kind: "missing" | "denied" | "nonsense"; readonly sentence: string; readonly exitCode: number };

/** Finds the Docker engine of this machine; one that is absent or stopped at the default place is installed and started where we can. */
export async function findEngine(context: ProvisionContext): Promise<FoundEngine> {
  const named = context.env.DOCKER_HOST;
  if (named !== undefined && named !== "") return fromEnvironment(named);
  const socketPath = DEFAULT_ENGINE_SOCKET;
  let probe = await probeEngine(socketPath);
  if (probe.kind === "absent" || probe.kind === "stopped") {
    const refusal = await bringUp(socketPath, context);
    if (refusal !== undefined) return refusal;
    probe = await probeEngine(socketPath);
  }
  if (probe.kind === "denied" && (await grantAccess(socketPath, context))) probe = await probeEngine(socketPath);
  return describe(socketPath, probe);
}

async function fromEnvironment(named: string): Promise<FoundEngine> {
  const socketPath = named.startsWith("unix://") ? named.slice("unix://".length) : named;
  if (!socketPath.startsWith("/")) {
    const sentence = `DOCKER_HOST is ${named}, but a node talks to its engine over a local socket: set it to unix:///path, or unset it.`;
    return { kind: "missing", sentence, exitCode: exitCodes.engineMissing };
  }
  const probe = await probeEngine(socketPath);
  if (probe.kind === "absent" || probe.kind === "stopped") {
    const sentence = `DOCKER_HOST names ${socketPath}, where no engine listens: start it, or unset DOCKER_HOST to use this machine's own.`;
    return { kind: "missing", sentence, exitCode: exitCodes.engineMissing };
  }
  return describe(socketPath, probe);
}

async function bringUp(socketPath: string, context: ProvisionContext): Promise<FoundEngine | undefined> {
  if (!isEngineInstalled()) {
    const result = canInstallEngine()
      ? await installEngine(context)
      : ({ kind: "refused", reason: "this machine has no apt-get" } as const);
    if (result.kind === "refused") return noEngine(result.reason);
  }
  const result = await startEngine(socketPath, context);
  return result.kind === "refused" ? noEngine(result.reason) : undefined;
}

function noEngine(reason: string): FoundEngine {
  const sentence =
    `No Docker engine runs on this machine (${reason}). Run\n\n  ${installCommands().join("\n  ")}\n\n` +
    "and start again, or take a tour without Docker: npm start -- --simulate 20";
  return { kind: "missing", sentence, exitCode: exitCodes.engineMissing };
}

function describe(socketPath: string, probe: EngineProbe): FoundEngine {
  switch (probe.kind) {
    case "engine":
      return isAtLeast(probe.version, MINIMUM_ENGINE_VERSION)
        ? { kind: "ready", socketPath, version: probe.version }
        : {
            kind: "ready",
            socketPath,
            version: probe.version,
            degraded: `Docker Engine ${probe.version} is older than ${MINIMUM_ENGINE_VERSION}`,
          };
    case "denied":
      return {
        kind: "denied",
        sentence:
          `The Docker engine at ${socketPath} does not let ${process.env.USER ?? "this user"} in: run  sudo usermod -aG docker $USER  ` +
          "then log out and in again (or start with  sg docker -c 'npm start').",
        exitCode: exitCodes.engineDenied,
      };
    case "nonsense":
      return nonsense(`What answers at ${socketPath} is not a Docker engine (${probe.detail})`);
    case "silent":
      return nonsense(`The Docker engine at ${socketPath} accepts connections but does not answer`);
    case "absent":
    case "stopped":
      return noEngine("it ended right after its start");
  }
}

function nonsense(what: string): FoundEngine {
  const sentence = `${what}: restart it (sudo systemctl restart docker) or name another in DOCKER_HOST.`;
  return { kind: "nonsense", sentence, exitCode: exitCodes.engineNonsense };
}
