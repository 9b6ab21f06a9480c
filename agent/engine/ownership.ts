import { LABEL, OWN_LABEL } from "../labels.ts";
import type { EngineOwner } from "./owner.ts";

/** A volume with the owner's labels: its name can be had once, so of two agents that begin at the same moment one is the first. */
export const CLAIM_VOLUME = "odysseus-node";

/** Whose the engine is, as far as its agent asks: `refused` says in one clause why it is not ours, and what makes it so. */
export type EngineClaim = { readonly kind: "ours" } | { readonly kind: "refused"; readonly reason: string };

type Labels = Readonly<Record<string, string>>;

/** Whose something on an engine is; undefined: nobody's that we know. */
export function ownerIn(labels: Labels): EngineOwner | undefined {
  const [tenant, node] = labels[OWN_LABEL.node]?.split("/") ?? [labels[LABEL.tenant], labels[LABEL.node]];
  return tenant === undefined || node === undefined ? undefined : { tenant, node };
}

/** An engine with anything of another tenant is not ours, whoever claimed it: ports and names of the node are shared by all that is on it. */
export function foreignTenantAmong(self: EngineOwner, found: readonly Labels[]): EngineClaim | undefined {
  const isForeign = found.some((labels) => (ownerIn(labels)?.tenant ?? self.tenant) !== self.tenant);
  return isForeign ? refusedTo(self, undefined) : undefined;
}

/** `claimed`: labels of the claim, by whoever was first. Containers of a node of the same tenant that nobody claims for it are left where they are. */
export function claimOf(self: EngineOwner, claimed: Labels): EngineClaim {
  const owner = ownerIn(claimed);
  return owner?.tenant === self.tenant && owner.node === self.node ? { kind: "ours" } : refusedTo(self, owner);
}

/** Another tenant's name is not told: what an agent reports is read by its own. */
function refusedTo(self: EngineOwner, owner: EngineOwner | undefined): EngineClaim {
  const isOther = owner?.tenant === self.tenant;
  const [whose, containers] = isOther
    ? [`it is node ${owner.node}'s, and an engine serves one node`, `label=${LABEL.node}=${owner.node}`]
    : ["it is another tenant's, and an engine serves one tenant", `label=${LABEL.tenant}`];
  const remedy = `end that agent, remove what is left of it (docker ps -a --filter ${containers}, and --filter label=${OWN_LABEL.node}), then docker volume rm ${CLAIM_VOLUME}`;
  return { kind: "refused", reason: `${whose}: use another engine, or if this one is to change hands, ${remedy}` };
}
