import { z } from "zod";
import type { OperationContext } from "../catalogue.ts";
import type { PinnedImage, PinnedTemplate } from "../deployment/contract.ts";
import { fewOf } from "../deployment/sentence.ts";
import { imageOn, knownImages, type KnownImages } from "../node/known-images.ts";
import { readNodes } from "../node/node-reads.ts";

/** Nodes that a sentence names; of more, their number is told. */
const MOST_NODES_NAMED = 10;

/** Whether a node that replicas would go to has their image, as far as that is known. */
export const PlannedImage = z.object({
  node: z.string(),
  /** present: it is there. pull: it would be pulled. missing: it is not there, and cannot be pulled. unknown: `reason` says why. */
  image: z.enum(["present", "pull", "missing", "unknown"]),
  reason: z.string().optional(),
});
export type PlannedImage = z.infer<typeof PlannedImage>;

/** What images the nodes of a tenant have. */
export interface FleetImages {
  readonly nodes: readonly string[];
  readonly of: (node: string) => KnownImages;
}

/** Each node's images are made ready to be looked up once, however many members ask. */
export async function readKnownImages(context: OperationContext): Promise<FleetImages> {
  const [nodes, nowMs] = [await readNodes(context), context.clock.nowMs()];
  const known = new Map<string, KnownImages>();
  const of = (name: string): KnownImages => {
    const node = nodes.get(name);
    const images = known.get(name) ?? (node === undefined ? NOT_A_NODE : knownImages(node, nowMs));
    known.set(name, images);
    return images;
  };
  return { nodes: [...nodes.keys()].toSorted(), of };
}

const NOT_A_NODE: KnownImages = { kind: "unknown", reason: "it was removed just now" };

export function plannedImages(image: PinnedImage, nodes: readonly string[], { of }: FleetImages): readonly PlannedImage[] {
  return nodes.map((node) => {
    const { kind, ...why } = imageOn(of(node), image);
    return { node, image: kind, ...why };
  });
}

/** Where a replica could not begin: what was built or loaded on one node is on no other by itself. */
export function missingImages(
  { image, pull }: Pick<PinnedTemplate, "image" | "pull">,
  images: readonly PlannedImage[],
  fleet: FleetImages,
): readonly string[] {
  const lacking = images.flatMap(({ node, image }) => (image === "missing" ? [node] : []));
  if (lacking.length === 0) return [];
  const having = fleet.nodes.filter((node) => imageOn(fleet.of(node), image).kind === "present");
  const why =
    pull === "never" ? "which is pulled from nowhere: load it there" : "which is in no registry: push it to one, or load it there";
  const where = having.length === 0 ? "" : `; ${fewOf(having, String, MOST_NODES_NAMED)} ${having.length === 1 ? "has" : "have"} it`;
  return [
    `${fewOf(lacking, String, MOST_NODES_NAMED)} ${lacking.length === 1 ? "does not have" : "do not have"} the image ${image.reference}, ${why}${where}.`,
  ];
}
