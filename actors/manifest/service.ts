import type { z } from "zod";
import { DeploymentSpec } from "../deployment/contract.ts";
import { Draft } from "./draft.ts";
import { readFields } from "./fields.ts";
import { finishLimits } from "./limit-fields.ts";
import type { Place, Reading } from "./reading.ts";
import { finishNetworks } from "./service-networks.ts";
import { foreignServiceFields, serviceFields } from "./service-fields.ts";

/** A service as the deployment it asks for. What is wrong with it is among the findings. */
export function readService(reading: Reading, name: string, place: Place, isAlone: boolean): Draft {
  const draft = new Draft();
  if (!reading.isMap(place)) {
    reading.invalid(place, "Expected a mapping of names to values.", "write image: NAME:TAG below it.");
    return draft;
  }
  readFields(reading, place, serviceFields, draft, { last: ["deploy", "x-odysseus"], foreign: foreignServiceFields });
  finishNetworks(reading, place, name, isAlone, draft);
  draft.finish();
  finishLimits(reading, draft);
  withoutUselessPorts(reading, draft);
  readSource(reading, place, draft);
  checkBounds(reading, place, draft);
  return draft;
}

/** Whoever is on the node's own network, or on none, has no ports of its own to publish. */
function withoutUselessPorts(reading: Reading, draft: Draft): void {
  const at = draft.origins.get("ports");
  const network = draft.spec.namespaces?.network;
  if (network === undefined || at === undefined || !draft.publishesPorts) return;
  reading.differs(
    at,
    `With network_mode ${network}, no port is published: what the service listens on is where that network is.`,
    "leave ports out.",
  );
  draft.spec.ports = (draft.spec.ports ?? []).map(({ publishedPort: _useless, ...port }) => port);
}

function readSource(reading: Reading, place: Place, { build, origins }: Draft): void {
  const isPartly = place.value.kind === "map" && place.value.fields.has("extends");
  if (build === undefined && !origins.has("image") && !isPartly)
    reading.invalid(place, "A service needs an image.", "write image: NAME:TAG.");
  if (build === undefined) return;
  if (origins.has("image"))
    reading.differs(build, "Nothing is built: the image must be where the nodes can pull it.", "build and push it before.");
  else reading.refuse(build, "Nodes run images, they do not build them.", "build and push it first, then name it with image.");
}

/** Values in bounds, as every surface demands them; here they can still be shown in the file. Of dozens of fields, a service has a few. */
function checkBounds(reading: Reading, place: Place, { spec, origins }: Draft): void {
  for (const [field, value] of Object.entries(spec)) {
    const { error } = DeploymentSpec.shape[field as keyof typeof DeploymentSpec.shape].safeParse(value);
    for (const demand of new Set((error?.issues ?? []).map(boundsOf)))
      reading.invalid(origins.get(field) ?? place, `This cannot be had: ${demand}.`);
  }
}

/** What is demanded of it, without the names that fields have elsewhere. */
function boundsOf(issue: z.core.$ZodIssue): string {
  const of = issue.code === "too_small" || issue.code === "too_big" ? measures[issue.origin] : undefined;
  if (issue.code === "too_small" && of !== undefined) return `the least is ${String(issue.minimum)}${of}`;
  if (issue.code === "too_big" && of !== undefined) return `the most is ${String(issue.maximum)}${of}`;
  return issue.message.replace(/\.$/, "");
}

const measures: Readonly<Record<string, string>> = { number: "", int: "", string: " characters", array: " of them", set: " of them" };
