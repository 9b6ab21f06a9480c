import { addressOf } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import type { Meta } from "../../runtime/journal.ts";
import type { OperationContext } from "../catalogue.ts";
import type { Frontends, IngressCommand } from "../ingress/commands.ts";
import type { DeploymentCommand, PersonCommand } from "./commands.ts";

/**
 * Keeps the ports and routes free that a deployment would have after the command, or is refused with their holder's name. What the deployment refuses
 * itself is left to it: it says so better.
 */
export async function reserveFrontends(
  name: string,
  command: PersonCommand,
  { host, tenant, meta }: OperationContext,
  timeoutMs: number,
): Promise<Reply> {
  const preview: DeploymentCommand = { kind: "preview", command };
  const after = await host.ask(addressOf(tenant, "deployment", name), preview, step(meta, `preview/${name}`), { timeoutMs });
  if (after.kind === "refusal" || after.value === null) return { kind: "ok", value: null };
  const reserve: IngressCommand = {
    kind: "reserve",
    deployment: name,
    operation: `deployments.${command.kind}`,
    frontends: after.value as Frontends,
  };
  return host.ask(addressOf(tenant, "ingress"), reserve, step(meta, `reserve/${name}`), { timeoutMs });
}

/** Part of what the person asked for: remembered for itself, and audited only where it decides something. */
function step(meta: Meta, part: string): Meta {
  return { ...meta, commandId: `${meta.commandId}/${part}`, via: "system" };
}
