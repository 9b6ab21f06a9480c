import { nearestName } from "../../runtime/nearest-name.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import type { LeftAlone, Member, MemberChange } from "./commands.ts";
import { recordOf } from "./records.ts";
import { stackRefusals as refusals } from "./refusals.ts";
import { restartsOf } from "./restarts.ts";
import type { StackState } from "./state.ts";
import { MODE_WORDS } from "./status.ts";
import { targetOf } from "./target.ts";

/** Whom a restart is about, in the order in which they are restarted. */
interface AskedRestart {
  readonly members: readonly MemberChange[];
  readonly leftAlone: readonly LeftAlone[];
}

/**
 * Of the named services, or of all whose replicas are meant to run on: a job that has ended would do its work a second time, so it is run again where it is
 * named alone. Those that depend on one of them with `restart: true` follow, as they do when a change replaces it.
 */
export function askedRestart(state: StackState, services: readonly string[]): AskedRestart | Refusal {
  const { name } = state;
  const { inOrder, byService } = targetOf(state);
  const unknown = services.find((service) => !byService.has(service));
  if (unknown !== undefined) return refusals["stack.service-not-found"]({ name, service: unknown, ...knownServices(inOrder, unknown) });
  const isWhole = services.length === 0;
  const asked = isWhole ? inOrder : inOrder.filter(({ service }) => services.includes(service));
  const absent = asked.flatMap((member) => reasonOf(notRunning(state, member), member));
  if (!isWhole && absent.length > 0) return refusals["stack.not-running"]({ name, members: absent });
  const leftAlone = isWhole ? [...absent, ...asked.flatMap((member) => reasonOf(notRunOn(state, member), member))] : [];
  const left = new Set(leftAlone.map(({ service }) => service));
  const begun = new Set(asked.flatMap(({ service, deployment }) => (left.has(service) ? [] : [deployment])));
  if (begun.size === 0) return refusals["stack.not-running"]({ name, members: leftAlone });
  const followers = restartsOf(inOrder, (deployment) => begun.has(deployment));
  const isRestarted = (member: Member): boolean =>
    begun.has(member.deployment) || (followers.has(member.deployment) && notRunning(state, member) === undefined);
  return {
    members: inOrder
      .filter(isRestarted)
      .map(({ service, deployment }): MemberChange => ({ service, deployment, change: "restart", diff: [] })),
    leftAlone: leftAlone.filter(({ service }) => !followers.has(byService.get(service)?.deployment ?? "")),
  };
}

function knownServices(members: readonly Member[], unknown: string): { readonly nearest?: string; readonly known: readonly string[] } {
  const known = members.map(({ service }) => service);
  const nearest = members.find(({ deployment }) => deployment === unknown)?.service ?? nearestName(unknown, known);
  return { known, ...(nearest !== undefined && { nearest }) };
}

function reasonOf(reason: string | undefined, { service }: Member): readonly LeftAlone[] {
  return reason === undefined ? [] : [{ service, reason }];
}

/** Why it has no replicas that could be replaced. */
function notRunning(state: StackState, { deployment }: Member): string | undefined {
  const mode = recordOf(state.members, deployment)?.standing?.mode ?? "absent";
  return mode === "running" ? undefined : `is ${MODE_WORDS[mode]}`;
}

/** Why nobody expects its replicas to be there all the time. */
function notRunOn(state: StackState, member: Member): string | undefined {
  if (notRunning(state, member) !== undefined) return undefined;
  if (member.template.run === "job") return "is a job";
  return recordOf(state.members, member.deployment)?.standing?.reached === "completed" ? "has completed" : undefined;
}
