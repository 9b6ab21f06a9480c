import { expect, test } from "vitest";
import { pinnedAnew } from "../../../actors/deployment/pin-update.ts";
import { keptPin, resolveImage } from "../../../actors/deployment/resolve-image.ts";
import { DeploymentSpec, type PinnedImage } from "../../../actors/deployment/contract.ts";
import type { DeploymentView } from "../../../actors/views.ts";
import { runtimeRefusals } from "../../../runtime/errors.ts";
import { ReadWorld } from "../read-context.ts";

const ID = `sha256:${"b".repeat(64)}`;
const mine: PinnedImage = { reference: "mine:1", digest: ID, source: "node" };
const never = { reference: "mine:1", pull: "never" } as const;

/** Nodes of which `having` have the image, all of them heard of just now. */
async function fleet(count: number, having: number): Promise<{ readonly world: ReadWorld; readonly asked: string[] }> {
  const world = new ReadWorld();
  const asked: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const name = `n${number}`;
    const references = number === having ? ["mine:1"] : [];
    const told = { images: [{ id: ID, references, sizeBytes: 1 }], leftOut: 0 };
    await world.node(name);
    world.says(name, { images: { version: "1", seenAtMs: world.clock.nowMs(), told } });
    world.agent(name).answer = (request) => {
      if (request.kind !== "resolve-image") return undefined;
      asked.push(`${name} ${request.pull ?? "missing"}`);
      if (number === having) return { kind: "resolved", image: mine, platforms: [{ os: "linux", arch: "amd64" }] };
      return { kind: "failed", failure: { code: "image.not-found", message: "It is not here.", permanent: true, atMs: 1 } };
    };
  }
  return { world, asked };
}

test("an image that is pulled from nowhere is had from the one node of many that has told to have it", async () => {
  const { world, asked } = await fleet(20, 17);
  expect(await resolveImage(never, world.context())).toEqual({ image: mine, platforms: [{ os: "linux", arch: "amd64" }] });
  expect(asked).toContain("n17 never");
  expect(asked).not.toContain("n17 missing");
});

test("one that no node has is refused, and nobody is told to look at a registry", async () => {
  const { world } = await fleet(3, 0);
  expect(await resolveImage(never, world.context())).toMatchObject({
    code: "image.not-found",
    message: expect.stringMatching(/none of the nodes that were asked has it, and it is to be pulled from nowhere/),
  });
});

test("an agent that is too old for the question is said to be, and others answer it", async () => {
  const world = new ReadWorld();
  await world.node("n1");
  world.says("n1");
  const refusal = runtimeRefusals["message.malformed"]({ reason: "unrecognized key: pull" });
  world.agent("n1").answer = () => refusal;
  const refused = await resolveImage(never, world.context());
  expect(refused).toMatchObject({ code: "image.registry-unavailable", message: expect.stringMatching(/agent of n1 .* is to be upgraded/) });
  await world.node("n2");
  world.says("n2");
  world.agent("n2").answer = () => ({ kind: "resolved", image: mine, platforms: [] });
  expect(await resolveImage(never, world.context())).toMatchObject({ image: mine });
});

test("a pin is kept for the same name that may be had from the same place", () => {
  expect(keptPin(never, { image: mine, pull: "never" })).toMatchObject({ image: mine });
  expect(keptPin(never, { image: mine })).toBeUndefined();
  expect(keptPin({ reference: "mine:2", pull: "never" }, { image: mine, pull: "never" })).toBeUndefined();
});

test("a change of where an image may be had from pins the present one anew, and holds only while nobody else has changed it", async () => {
  const { world, asked } = await fleet(3, 2);
  const present = { reference: "mine:1", digest: `sha256:${"a".repeat(64)}`, source: "registry" } as const;
  await world.deployment("web", { generation: 4, image: present });
  const current = await world.value<DeploymentView>("deployments.get", { name: "web" });
  expect(await pinnedAnew({ pull: "never" }, current, world.context())).toMatchObject({ resolved: { image: mine }, ifGeneration: 4 });
  expect(await pinnedAnew({ pull: null }, current, world.context())).toEqual({});
  expect(asked).not.toContain("n2 missing");
  const never = { ...current, image: mine, spec: { ...current.spec, pull: "never" as const } };
  expect(await pinnedAnew({ pull: null }, never, world.context())).toMatchObject({ ifGeneration: 4 });
  expect(asked).toContain("n2 missing");
});

test("another image is looked for where the present one was", async () => {
  const { world, asked } = await fleet(2, 1);
  await world.deployment("web", { spec: DeploymentSpec.parse({ image: "mine:0", pull: "never" }) });
  const current = await world.value<DeploymentView>("deployments.get", { name: "web" });
  expect(await pinnedAnew({ image: "mine:1" }, current, world.context())).toEqual({
    resolved: { image: mine, platforms: [{ os: "linux", arch: "amd64" }] },
  });
  expect(asked).not.toContain("n1 missing");
});
