import { replacingFields } from "../deployment/carried.ts";
import { diff, specFields } from "../deployment/change.ts";
import type { FieldChange } from "../deployment/contract.ts";
import type { Member, MemberChange } from "./commands.ts";
import { restartsOf } from "./restarts.ts";

/** What differs between two lists of members, member by member. */
export function changesOf(before: readonly Member[], after: readonly Member[]): readonly MemberChange[] {
  const was = new Map(before.map((member) => [member.deployment, member]));
  const stays = new Set(after.map(({ deployment }) => deployment));
  const changed = after.flatMap((member): readonly MemberChange[] => {
    const { service, deployment } = member;
    const old = was.get(deployment);
    if (old === undefined) return [{ service, deployment, change: "create", diff: [] }];
    const fields = memberDiff(old, member);
    return fields.length === 0 ? [] : [{ service, deployment, change: "change", diff: fields }];
  });
  const isListed = new Set(changed.map(({ deployment }) => deployment));
  const replaced = new Set(
    after
      .filter((member) => isListed.has(member.deployment) && isReplaced(was.get(member.deployment), member))
      .map(({ deployment }) => deployment),
  );
  const restarts = restartsOf(after, (deployment) => replaced.has(deployment));
  const restarted = after.filter(({ deployment }) => restarts.has(deployment) && !isListed.has(deployment));
  const removed = before.filter(({ deployment }) => !stays.has(deployment));
  return [...changed, ...named(restarted, "restart"), ...named(removed, "remove")];
}

/** Its containers are other ones afterwards. */
function isReplaced(before: Member | undefined, after: Member): boolean {
  return before === undefined || replacingFields(before.template, after.template).length > 0;
}

function named(members: readonly Member[], change: "restart" | "remove"): readonly MemberChange[] {
  return members.map(({ service, deployment }) => ({ service, deployment, change, diff: [] }));
}

/** Field by field; what a member waits for is a field, too. */
export function memberDiff(before: Member, after: Member): readonly FieldChange[] {
  return before === after ? [] : diff(fieldsOf(before), fieldsOf(after));
}

function fieldsOf({ replicas, template, after }: Member): Readonly<Record<string, unknown>> {
  return { after: waitsOf(after), ...specFields(template, replicas) };
}

/** What a member waits for, as one field per other member. */
export function waitsOf(after: Member["after"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    after.map(({ service, condition, restart }) => [service, restart === true ? `${condition}, and restarted after it` : condition]),
  );
}
