import { ageText } from "../../runtime/age-text.ts";
import type { PinnedImage } from "../deployment/contract.ts";
import { listedName } from "../deployment/image-name-contract.ts";
import type { ToldImages } from "../views.ts";
import { IMAGES_OLD_AFTER_MS, type NodeImages } from "./images-contract.ts";
import type { ObservedNode } from "./node-reads.ts";
import { isHeard } from "./status.ts";

/** What images a node has, as far as that is known now. `reason` is a clause about the node. */
export type KnownImages =
  | { readonly kind: "known"; readonly told: NodeImages; readonly seenAtMs: number; readonly names: ReadonlySet<string> }
  | { readonly kind: "unknown"; readonly reason: string };

/** What a node that is silent, or whose engine is away, once told says nothing of now. */
export function knownImages({ view, soft }: Pick<ObservedNode, "view" | "soft">, nowMs: number): KnownImages {
  if (!isHeard(view.status) || view.engine === "unreachable") return { kind: "unknown", reason: view.reason };
  const images: ToldImages | undefined = soft?.images;
  if (images === undefined) return { kind: "unknown", reason: "it has not told its images yet" };
  const ageMs = nowMs - images.seenAtMs;
  if (ageMs > IMAGES_OLD_AFTER_MS) return { kind: "unknown", reason: `its engine has not listed its images for ${ageText(ageMs)}` };
  const names = new Set(images.told.images.flatMap(({ id, references }) => [id, ...references]));
  return { kind: "known", told: images.told, seenAtMs: images.seenAtMs, names };
}

/** present: it is there. pull: it would be pulled. missing: it is not there, and cannot be pulled. */
export type ImageOnNode = { readonly kind: "present" | "pull" | "missing" } | { readonly kind: "unknown"; readonly reason: string };

/** Whether a node has an image, and what follows: one without a registry is pulled nowhere. */
export function imageOn(known: KnownImages, image: PinnedImage): ImageOnNode {
  if (known.kind === "unknown") return known;
  if (known.names.has(listedName(image))) return { kind: "present" };
  const { leftOut } = known.told;
  if (leftOut > 0) return { kind: "unknown", reason: `it has ${leftOut} more ${leftOut === 1 ? "image" : "images"} than it tells` };
  return { kind: image.source === "node" ? "missing" : "pull" };
}
