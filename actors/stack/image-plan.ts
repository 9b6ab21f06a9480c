import { z } from "zod";
import type { OperationContext } from "../catalogue.ts";
import type { PinnedImage, PinnedTemplate } from "../deployment/contract.ts";
import { imageOn, knownImages, type KnownImages } from "../node/known-images.ts";
import { readNodes } from "../node/node-reads.ts";

/** Whether a node that replicas would go to has their image, as far as that is known. */
export const PlannedImage = z.object({
  node: z.string(),
  /** present: it is there. pull: it would be pulled. missing: it is not there, and no registry has it. unknown: `reason` says why. */
  image: z.enum(["present", "pull", "missing", "unknown"]),
  reason: z.string().optional(),
});
export type PlannedImage = z.infer<typeof PlannedImage>;

/** By node. Each node's images are made ready to be looked up once, however many members ask. */
export async function readKnownImages(context: OperationContext): Promise<(node: string) => KnownImages> {
  const [nodes, nowMs] = [await readNodes(context), context.clock.nowMs()];
  const known = new Map<string, KnownImages>();
  return (name) => {
    const node = nodes.get(name);
    const images = known.get(name) ?? (node === undefined ? NOT_A_NODE : knownImages(node, nowMs));
    known.set(name, images);
    return images;
  };
}

const NOT_A_NODE: KnownImages = { kind: "unknown", reason: "it was removed just now" };

export function plannedImages(image: PinnedImage, nodes: readonly string[], known: (node: string) => KnownImages): readonly PlannedImage[] {
  return nodes.map((node) => {
    const { kind, ...why } = imageOn(known(node), image);
    return { node, image: kind, ...why };
  });
}

/** Where a replica could not begin: what was built or loaded on one node is on no other by itself. */
export function missingImages({ image, pull }: Pick<PinnedTemplate, "image" | "pull">, images: readonly PlannedImage[]): readonly string[] {
  const nodes = images.flatMap(({ node, image }) => (image === "missing" ? [node] : []));
  if (nodes.length === 0) return [];
  const lack = nodes.length === 1 ? "does not have" : "do not have";
  const why =
    pull === "never" ? "which is pulled from nowhere: load it there" : "which is in no registry: push it to one, or load it there";
  return [`${nodes.join(", ")} ${lack} the image ${image.reference}, ${why}.`];
}
