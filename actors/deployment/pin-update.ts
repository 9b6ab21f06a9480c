import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import type { DeploymentView } from "../views.ts";
import type { SealedPatch } from "./change.ts";
import { keptPin, type KnownPin, resolveImage, type Resolved } from "./resolve-image.ts";

/** What a patch does to the image. With a generation, it holds only while the deployment is at that one. */
export interface PinUpdate {
  readonly resolved?: Resolved;
  readonly ifGeneration?: number | undefined;
}

/** The image of a patch, or the present one where it is to be had from elsewhere: then nobody may have changed it meanwhile. */
export async function pinnedAnew(
  { image, pull }: Pick<SealedPatch, "image" | "pull">,
  current: DeploymentView | undefined,
  context: OperationContext,
): Promise<PinUpdate | Refusal> {
  const reference = image ?? current?.image.reference;
  if (reference === undefined || (image === undefined && pull === undefined)) return {};
  const named = { reference, pull: pull === undefined ? current?.spec.pull : (pull ?? undefined) };
  if (image === undefined && keptPin(named, pinOf(current)) !== undefined) return {};
  const resolved = await resolveImage(named, context);
  if (isRefusal(resolved)) return resolved;
  return image === undefined ? { resolved, ifGeneration: context.ifGeneration ?? current?.generation } : { resolved };
}

export function pinOf(view: DeploymentView | undefined): KnownPin | undefined {
  return view && { image: view.image, pull: view.spec.pull };
}
