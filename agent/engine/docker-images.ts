import { z } from "zod";
import type { PinnedImage } from "../../actors/deployment/contract.ts";
import type { DockerConnection } from "./docker-connection.ts";
import type { Engine } from "./port.ts";
import { EngineFailure } from "./port.ts";
import { ImageDetails } from "./docker-settings.ts";
import { engineFailures } from "./failures.ts";
import { familiarRepository, splitReference } from "../../actors/deployment/image-name-contract.ts";
import { statusOf } from "./docker-errors.ts";

const INSPECT_DEADLINE_MS = 10_000;
const REGISTRY_DEADLINE_MS = 20_000;
/** An image that was built or loaded on the node is probably in no registry: asking one is a courtesy that must not take long. */
const COURTESY_DEADLINE_MS = 3_000;
const NOT_FOUND = 404;

const Distribution = z.object({
  Descriptor: z.object({ digest: z.string() }),
  Platforms: z.array(z.object({ architecture: z.string().default(""), os: z.string().default("") })).nullish(),
});

/** How the engine knows a pinned image: by digest under its name, or by its own id when no registry has it. */
export function engineName(image: PinnedImage): string {
  return image.source === "node" ? image.digest : `${splitReference(image.reference).repository}@${image.digest}`;
}

/** Undefined: the node does not have it. */
export async function inspectImage(connection: DockerConnection, name: string, reference: string): Promise<ImageDetails | undefined> {
  const call = {
    method: "GET",
    path: `/images/${inPath(name)}/json`,
    doing: `looking for image ${reference}`,
    deadlineMs: INSPECT_DEADLINE_MS,
    reference,
  } as const;
  try {
    return await connection.ask(call, ImageDetails);
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

/** The registry's word, asked through the engine; else what the node itself has under that name. */
export async function resolveImage(connection: DockerConnection, reference: string): ReturnType<Engine["resolve"]> {
  const local = await inspectImage(connection, reference, reference);
  const isOnlyHere = local !== undefined && registryDigest(local, reference) === undefined;
  try {
    return await askRegistry(connection, reference, isOnlyHere ? COURTESY_DEADLINE_MS : REGISTRY_DEADLINE_MS);
  } catch (error) {
    if (local === undefined || !(error instanceof EngineFailure)) throw error;
    const digest = registryDigest(local, reference);
    const image: PinnedImage =
      digest === undefined ? { reference, digest: local.Id, source: "node" } : { reference, digest, source: "registry" };
    return { image, platforms: [{ os: local.Os, arch: local.Architecture }] };
  }
}

/** What the node itself has under that name, by its own id, wherever it came from. */
export async function resolveOwnImage(connection: DockerConnection, reference: string): ReturnType<Engine["resolve"]> {
  const local = await inspectImage(connection, reference, reference);
  if (local === undefined) throw engineFailures.imageNotHere(reference);
  return { image: { reference, digest: local.Id, source: "node" }, platforms: [{ os: local.Os, arch: local.Architecture }] };
}

async function askRegistry(connection: DockerConnection, reference: string, deadlineMs: number): ReturnType<Engine["resolve"]> {
  const [named, pinned] = reference.split("@");
  const name = pinned === undefined ? (named ?? reference) : `${splitReference(reference).repository}@${pinned}`;
  const doing = `asking the registry for ${reference}`;
  try {
    const found = await connection.ask(
      { method: "GET", path: `/distribution/${inPath(name)}/json`, doing, deadlineMs, reference },
      Distribution,
    );
    // Build attestations are listed as platform unknown/unknown.
    const platforms = (found.Platforms ?? [])
      .filter(({ os }) => os !== "" && os !== "unknown")
      .map(({ os, architecture }) => ({ os, arch: architecture }));
    return { image: { reference, digest: found.Descriptor.digest, source: "registry" }, platforms };
  } catch (error) {
    const gaveNoAnswer = error instanceof EngineFailure && error.failure.code === "engine.unavailable" && statusOf(error) === undefined;
    if (gaveNoAnswer && error.cause === undefined) throw engineFailures.registryUnavailable(reference, "it does not answer in time", error);
    throw error;
  }
}

/** Digest under which a registry has the image, if the node pulled it from there. */
function registryDigest(local: ImageDetails, reference: string): string | undefined {
  const wanted = familiarRepository(reference);
  return (local.RepoDigests ?? []).find((item) => familiarRepository(item) === wanted)?.split("@")[1];
}

/** Names come from people: nothing in them may change which resource is asked for. */
function inPath(name: string): string {
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    throw engineFailures.resourcesRejected(`${name} is not the name of an image.`);
  return parts.map(encodeURIComponent).join("/");
}
