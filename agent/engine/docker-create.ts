import { z } from "zod";
import { LABEL } from "../labels.ts";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineInfo, DesiredContainer } from "./port.ts";
import { engineFailures } from "./failures.ts";
import { EngineFailure } from "./port.ts";
import { joinNetworks, requireNetworks } from "./docker-networks.ts";
import { type CreateRequest, networkingOf, requestFor } from "./docker-request.ts";
import { settingsOfInspected, settingsOfRequest } from "./docker-settings.ts";
import { InspectedContainer } from "./docker-observed.ts";
import { statusOf } from "./docker-errors.ts";
import { engineName, inspectImage } from "./docker-images.ts";

const INSPECT_DEADLINE_MS = 10_000;
const CREATE_DEADLINE_MS = 60_000;
const CONFLICT = 409;
const NOT_FOUND = 404;

/** Answers the container's id; a container of this name with the same labels is that container. */
export async function createContainer(
  connection: DockerConnection,
  desired: DesiredContainer,
  platform: Pick<EngineInfo, "os" | "arch">,
): Promise<string> {
  const { reference } = desired.image;
  const image = await inspectImage(connection, engineName(desired.image), reference);
  if (image === undefined) throw engineFailures.imageNotFound(reference);
  if (image.Architecture !== platform.arch || image.Os !== platform.os) {
    throw engineFailures.platformMismatch(reference, `${platform.os}/${platform.arch}`, `${image.Os}/${image.Architecture}`);
  }
  await requireVolumes(connection, desired);
  await requireNetworks(connection, desired.networks, `creating ${desired.name}`);
  const request = requestFor(desired);
  const expected = settingsOfRequest(request, image);
  const first = await post(connection, desired, request, expected);
  if (first.kind === "existing") return first.containerId;
  const actual = await settingsNow(connection, first.containerId);
  if (actual === undefined || actual === expected) return first.containerId;
  // Some engines rewrite what they are given (no swap accounting, no processor limits on this kernel). What they made of it is the truth that a later
  // edit is measured against, and labels cannot be changed.
  await connection.command({
    method: "DELETE",
    path: `/containers/${first.containerId}`,
    query: { force: true, v: true },
    doing: `creating ${desired.name}`,
    deadlineMs: CREATE_DEADLINE_MS,
  });
  return (await post(connection, desired, request, actual)).containerId;
}

/** The engine would make what is missing, and a replica would find an empty volume where somebody's data should be. */
async function requireVolumes(connection: DockerConnection, { name, mounts }: DesiredContainer): Promise<void> {
  for (const mount of mounts) {
    if (mount.kind !== "volume" || mount.make !== undefined) continue;
    const call = {
      method: "GET",
      path: `/volumes/${encodeURIComponent(mount.name)}`,
      doing: `creating ${name}`,
      deadlineMs: INSPECT_DEADLINE_MS,
    } as const;
    try {
      await connection.ask(call, z.object({ Name: z.string() }));
    } catch (error) {
      if (statusOf(error) === NOT_FOUND) throw engineFailures.volumeMissing(mount.name, error);
      throw error;
    }
  }
}

type Created = { readonly kind: "created" | "existing"; readonly containerId: string };

async function post(connection: DockerConnection, desired: DesiredContainer, request: CreateRequest, settings: string): Promise<Created> {
  const labels = { ...desired.labels, [LABEL.settings]: settings };
  const body = {
    ...request.Config,
    ...request.rest,
    Labels: labels,
    HostConfig: { ...request.HostConfig, ...request.hostRest },
    ...networkingOf(desired),
  };
  const doing = `creating ${desired.name}`;
  const call = {
    method: "POST",
    path: "/containers/create",
    query: { name: desired.name },
    body,
    doing,
    deadlineMs: CREATE_DEADLINE_MS,
  } as const;
  try {
    const answer = await connection.ask({ ...call, reference: desired.image.reference }, z.object({ Id: z.string() }));
    return await joined(connection, desired, { kind: "created", containerId: answer.Id });
  } catch (error) {
    if (statusOf(error) !== CONFLICT || !(error instanceof EngineFailure)) throw error;
    return joined(connection, desired, { kind: "existing", containerId: await existing(connection, desired, error) });
  }
}

/** On the first network it is made; the agent may have been interrupted before it was on the others. */
async function joined(connection: DockerConnection, { name, networks }: DesiredContainer, created: Created): Promise<Created> {
  await joinNetworks(connection, created.containerId, networks.slice(1), `creating ${name}`);
  return created;
}

async function existing(connection: DockerConnection, desired: DesiredContainer, conflict: EngineFailure): Promise<string> {
  const found = await inspectByName(connection, desired.name);
  const isSame = found !== undefined && Object.entries(desired.labels).every(([key, value]) => found.Config.Labels[key] === value);
  if (isSame) return found.Id;
  throw engineFailures.engineError(`creating ${desired.name}`, "the name is in use by a container with other labels", conflict);
}

async function settingsNow(connection: DockerConnection, containerId: string): Promise<string | undefined> {
  const found = await inspectByName(connection, containerId);
  return found === undefined ? undefined : settingsOfInspected(found);
}

/** By id or name; undefined when there is none. */
export async function inspectByName(connection: DockerConnection, name: string): Promise<InspectedContainer | undefined> {
  const call = {
    method: "GET",
    path: `/containers/${encodeURIComponent(name)}/json`,
    doing: `inspecting ${name}`,
    deadlineMs: INSPECT_DEADLINE_MS,
  } as const;
  try {
    return await connection.ask(call, InspectedContainer);
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}
