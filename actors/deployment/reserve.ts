import { addressOf, type Address } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import type { Meta } from "../../runtime/journal.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { takenHosts } from "../host-name/ask.ts";
import type { Frontends, IngressCommand, IngressLook, Want } from "../ingress/commands.ts";
import type { DeploymentCommand, PersonCommand } from "./commands.ts";

export interface Intended {
  readonly deployment: string;
  readonly command: PersonCommand;
}

/**
 * Keeps the ports and routes free that deployments would have after their commands, for all or for none; or is refused with the name of the deployment that
 * has one of them, or because another tenant has a host name. What a deployment refuses itself is left to it: it says so better.
 */
export async function reserveFrontends(
  intended: readonly Intended[],
  operation: string,
  context: OperationContext,
  timeoutMs: number,
): Promise<Reply> {
  const wants = await Promise.all(intended.map((each) => wantOf(each, context, timeoutMs)));
  return reserveWants(
    wants.filter((want) => want !== undefined),
    operation,
    context,
    timeoutMs,
  );
}

/** The same, of what is known to be wanted. */
export async function reserveWants(
  wants: readonly Want[],
  operation: string,
  context: OperationContext,
  timeoutMs: number,
): Promise<Reply> {
  if (wants.length === 0) return { kind: "ok", value: null };
  const taken = await takenAmong(wants, "reserve", context, timeoutMs);
  if (isRefusal(taken)) return taken;
  return askIngress({ kind: "reserve", operation, wants, taken }, context, timeoutMs);
}

/** A command that is sent again is answered as it was when it was accepted, whoever has its ports and names by now. */
export async function unlessAccepted(refusal: Refusal, by: Address, { host, meta }: OperationContext): Promise<Reply> {
  return (await host.recall(by, meta.commandId)) ?? refusal;
}

/** Why deployments could not have these ports and routes as things stand now, one sentence each, by deployment. Nothing is booked. */
export async function clashesOf(
  wants: readonly Want[],
  context: OperationContext,
  timeoutMs: number,
): Promise<ReadonlyMap<string, string>> {
  if (wants.length === 0) return new Map();
  const taken = await takenAmong(wants, "look", context, timeoutMs);
  const look = isRefusal(taken) ? taken : await lookAt(wants, taken, context, timeoutMs);
  if (isRefusal(look)) {
    const sentence = `Whether its ports and routes can be had is not known now: ${look.message}`;
    return new Map(wants.map(({ deployment }) => [deployment, sentence]));
  }
  return new Map(look.refused.map(({ deployment, refusal }) => [deployment, `This would be refused: ${refusal.message}`]));
}

/** Host names that another tenant has. Names that the tenant's own deployments refuse are asked nobody for. */
async function takenAmong(
  wants: readonly Want[],
  kind: "look" | "reserve",
  context: OperationContext,
  timeoutMs: number,
): Promise<readonly string[] | Refusal> {
  const look = await lookAt(wants, [], context, timeoutMs);
  if (isRefusal(look)) return look;
  const { refused, unknownHosts } = look;
  return kind === "reserve" && refused.length > 0 ? [] : takenHosts(kind, unknownHosts, context, timeoutMs);
}

async function lookAt(
  wants: readonly Want[],
  taken: readonly string[],
  context: OperationContext,
  timeoutMs: number,
): Promise<IngressLook | Refusal> {
  const reply = await askIngress({ kind: "look", wants, taken }, context, timeoutMs);
  return isRefusal(reply) ? reply : (reply.value as IngressLook);
}

async function wantOf({ deployment, command }: Intended, context: OperationContext, timeoutMs: number): Promise<Want | undefined> {
  const { host, tenant, meta } = context;
  const preview: DeploymentCommand = { kind: "preview", command };
  const after = await host.ask(addressOf(tenant, "deployment", deployment), preview, partOf(meta, `preview/${deployment}`), { timeoutMs });
  return after.kind === "refusal" || after.value === null ? undefined : { deployment, frontends: after.value as Frontends };
}

function askIngress(command: IngressCommand, { host, tenant, meta }: OperationContext, timeoutMs: number): Promise<Reply> {
  return host.ask(addressOf(tenant, "ingress"), command, partOf(meta, command.kind), { timeoutMs });
}

/** Part of what the person asked for: remembered for itself, and audited only where it decides something. */
export function partOf(meta: Meta, part: string): Meta {
  return { ...meta, commandId: `${meta.commandId}/${part}`, via: "system" };
}
