import { EngineFailure } from "./port.ts";

/** Every way an engine call can fail, in words. One constructor per code, so that both engines say the same thing. */
export const engineFailures = {
  imageNotFound: (reference: string, cause?: unknown) =>
    failure("image.not-found", true, `There is no image ${reference}: check its name and tag, and that it was pushed.`, cause),
  imageNotHere: (reference: string, cause?: unknown) =>
    failure("image.not-found", true, `The image ${reference} is not on this node, and is pulled from nowhere: load it there.`, cause),
  accessDenied: (reference: string, cause?: unknown) =>
    failure(
      "image.access-denied",
      true,
      `The registry refuses access to ${reference}: it is private or does not exist. Check the name, and sign the node's engine in to the registry.`,
      cause,
    ),
  registryUnavailable: (reference: string, why: string, cause?: unknown) =>
    failure("image.registry-unavailable", false, `The registry of ${reference} does not answer (${why}).`, cause),
  /** Empty where the engine does not say. */
  platformMismatch: (reference: string, wanted: string, found: string, cause?: unknown) =>
    failure(
      "image.platform-mismatch",
      true,
      `The image ${reference} is not built for this node's platform${wanted === "" ? "" : ` ${wanted}`}${found === "" ? "" : ` (it is for ${found})`}. Build it for that platform, or constrain the deployment to other nodes.`,
      cause,
    ),
  diskFull: (doing: string, cause?: unknown) =>
    failure("disk.full", false, `The node's disk is full: ${doing} failed. Free space on the engine's data disk.`, cause),
  commandNotFound: (command: string, cause?: unknown) =>
    failure(
      "command.not-found",
      true,
      `The command ${command} cannot be run in this image: it does not exist there, or may not be executed. Correct the entrypoint or command.`,
      cause,
    ),
  portTaken: (port: string, cause?: unknown) =>
    failure("port.taken", false, `Port ${port} of the node is taken by something else. Free it, or publish another port.`, cause),
  resourcesRejected: (why: string, cause?: unknown) =>
    failure("resources.rejected", true, `The engine refuses the settings of this container: ${why}`, cause),
  notAllowed: (node: string, what: string, remedy: string) =>
    failure("node.not-allowed", true, `${node} does not allow ${what}. To allow it, ${remedy} in the settings of its agent.`, undefined),
  networkMissing: (name: string, cause?: unknown) =>
    failure(
      "network.missing",
      true,
      `There is no network ${name} on this node, and it is said to be there already: make it, or constrain the deployment to the node that has it.`,
      cause,
    ),
  volumeMissing: (name: string, cause?: unknown) =>
    failure(
      "volume.missing",
      true,
      `There is no volume ${name} on this node, and it is said to be there already: make it, or constrain the deployment to the node that has it.`,
      cause,
    ),
  fileUnavailable: (what: string, why: string) =>
    failure("file.unavailable", false, `The content of ${what} cannot be had now: ${why}. It is asked for again.`, undefined),
  fileUnplaced: (what: string, why: string, cause?: unknown) =>
    failure("file.unplaced", true, `The file of ${what} cannot be put where only memory is: ${why}.`, cause),
  hookFailed: (command: string, how: string) =>
    failure("hook.failed", false, `The command ${command}, which runs after the start, ${how}`, undefined),
  engineUnavailable: (why: string, cause?: unknown) =>
    failure(
      "engine.unavailable",
      false,
      `The container engine of this node does not answer: ${why}. Check that it runs; it is tried again.`,
      cause,
    ),
  engineError: (doing: string, why: string, cause?: unknown) =>
    failure("engine.error", false, `The container engine failed while ${doing}: ${why}`, cause),
} as const;

/** Longest message the contract carries, in characters; longer ones are cut. */
const MAX_MESSAGE_LENGTH = 2_000;

function failure(code: EngineFailure["failure"]["code"], permanent: boolean, message: string, cause: unknown): EngineFailure {
  return new EngineFailure({ code, permanent, message: message.slice(0, MAX_MESSAGE_LENGTH) }, cause);
}
