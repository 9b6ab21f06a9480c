import { diff } from "../deployment/change.ts";
import type { FieldChange } from "../deployment/contract.ts";
import type { Member, MemberChange } from "./commands.ts";

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
  const removed = before.filter(({ deployment }) => !stays.has(deployment));
  return [...changed, ...removed.map(({ service, deployment }) => ({ service, deployment, change: "remove" as const, diff: [] }))];
}

/** Field by field; what a member waits for is a field, too. */
export function memberDiff(before: Member, after: Member): readonly FieldChange[] {
  return diff(fieldsOf(before), fieldsOf(after));
}

function fieldsOf({ replicas, template, after }: Member): Readonly<Record<string, unknown>> {
  const waits = Object.fromEntries(after.map(({ service, condition }) => [service, condition]));
  return { replicas, after: waits, ...template };
}
