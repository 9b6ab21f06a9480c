import { expect, test } from "vitest";
import type { PinnedImage } from "../../../actors/deployment/contract.ts";
import { imageOn, knownImages } from "../../../actors/node/known-images.ts";
import { plannedImages, missingImages } from "../../../actors/stack/image-plan.ts";
import type { NodeSoft, NodeView } from "../../../actors/views.ts";

const NOW_MS = 1_000_000_000;
const DIGEST = `sha256:${"a".repeat(64)}`;
const ID = `sha256:${"b".repeat(64)}`;
const nginx: PinnedImage = { reference: "docker.io/library/nginx:1.27", digest: DIGEST, source: "registry" };
const built: PinnedImage = { reference: "mine:1", digest: ID, source: "node" };

interface Told {
  readonly references?: readonly string[];
  readonly leftOut?: number;
  readonly ageMs?: number;
}

function node(told: Told | undefined, view: Partial<NodeView> = {}) {
  const images = told && {
    version: "1",
    seenAtMs: NOW_MS - (told.ageMs ?? 1_000),
    told: { images: [{ id: ID, references: [...(told.references ?? [])], sizeBytes: 1 }], leftOut: told.leftOut ?? 0 },
  };
  const healthy = { status: "healthy", engine: "reachable", reason: "heard of 1s ago" };
  return { view: { ...healthy, ...view } as NodeView, soft: { images } as NodeSoft };
}

test("a node has an image when it has what the reference is pinned to, whatever its tag names by now", () => {
  const on = (references: readonly string[]) => imageOn(knownImages(node({ references }), NOW_MS), nginx).kind;
  expect(on([`nginx@${DIGEST}`])).toBe("present");
  expect(on(["nginx:1.27", `nginx@${ID}`])).toBe("pull");
  expect(on([`mirror.example/nginx@${DIGEST}`])).toBe("pull");
});

test("an image of no registry is where it was built or loaded, and cannot be pulled elsewhere", () => {
  const names = new Map([
    ["n1", node({ references: ["mine:1"] })],
    ["n2", node({})],
  ]);
  const elsewhere: PinnedImage = { ...built, digest: DIGEST };
  const fleet = { nodes: [...names.keys()], of: (name: string) => knownImages(names.get(name) ?? node(undefined), NOW_MS) };
  const images = plannedImages(elsewhere, ["n1", "n2"], fleet);
  expect(images.map(({ image }) => image)).toEqual(["missing", "missing"]);
  expect(missingImages({ image: elsewhere }, images, fleet)).toEqual([
    "n1, n2 do not have the image mine:1, which is in no registry: push it to one, or load it there.",
  ]);
  expect(missingImages({ image: elsewhere, pull: "never" }, images, fleet)).toEqual([
    "n1, n2 do not have the image mine:1, which is pulled from nowhere: load it there.",
  ]);
  names.set("n3", node({ references: [`elsewhere@${DIGEST}`, DIGEST] }));
  expect(missingImages({ image: elsewhere, pull: "never" }, images, { ...fleet, nodes: ["n1", "n2", "n3"] })).toEqual([
    "n1, n2 do not have the image mine:1, which is pulled from nowhere: load it there; n3 has it.",
  ]);
  expect(imageOn(knownImages(node({}), NOW_MS), built)).toEqual({ kind: "present" });
});

test("what is not known is not absent", () => {
  const why = (told: Told | undefined, view: Partial<NodeView> = {}) => imageOn(knownImages(node(told, view), NOW_MS), nginx);
  expect(why(undefined)).toEqual({ kind: "unknown", reason: "it has not told its images yet" });
  expect(why({}, { status: "unknown", reason: "silent for 12s" })).toEqual({ kind: "unknown", reason: "silent for 12s" });
  const away = "its container engine does not answer";
  expect(why({}, { status: "degraded", engine: "unreachable", reason: away })).toEqual({ kind: "unknown", reason: away });
  expect(why({ ageMs: 130_000 })).toEqual({ kind: "unknown", reason: "its engine has not listed its images for 2m" });
  expect(why({ leftOut: 2 })).toEqual({ kind: "unknown", reason: "it has 2 more images than it tells" });
  expect(why({ leftOut: 2, references: [`nginx@${DIGEST}`] })).toEqual({ kind: "present" });
});
