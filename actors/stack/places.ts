import type { Member } from "./commands.ts";
import type { Dependency } from "./contract.ts";
import type { MemberRecord, MemberRecords } from "./records.ts";
import type { Target } from "./target.ts";

/** Where each member of a target stands, each after all that it waits for. Of thousands all are looked at with each event: by their number, not by name. */
export interface Places {
  readonly all: readonly Place[];
  readonly byService: ReadonlyMap<string, number>;
  /** Places in the order of the manifest. */
  readonly asWritten: readonly number[];
  /** Places ascending by deployment, as records are. */
  readonly byDeployment: readonly number[];
}

export interface Place {
  readonly member: Member;
  /** Key of its content. */
  readonly content: string;
  /** Those of the stack that it waits for. */
  readonly after: readonly (Dependency & { readonly deployment: string; readonly place: number })[];
}

/** A target never changes, and is asked for with every report of a member. */
const known = new WeakMap<Target, Places>();

export function placesOf(target: Target): Places {
  const before = known.get(target);
  if (before !== undefined) return before;
  const { inOrder, members, keys } = target;
  const byService = new Map(inOrder.map(({ service }, place) => [service, place]));
  const all = inOrder.map((member): Place => {
    const after = member.after.flatMap((dependency) => {
      const place = byService.get(dependency.service);
      const other = place === undefined ? undefined : inOrder[place];
      return place === undefined || other === undefined ? [] : [{ ...dependency, deployment: other.deployment, place }];
    });
    return { member, content: keys.get(member.deployment) ?? "", after };
  });
  const deploymentAt = (place: number): string => all[place]?.member.deployment ?? "";
  const places: Places = {
    all,
    byService,
    asWritten: members.flatMap(({ service }) => byService.get(service) ?? []),
    byDeployment: [...all.keys()].toSorted((one, other) => (deploymentAt(one) < deploymentAt(other) ? -1 : 1)),
  };
  known.set(target, places);
  return places;
}

/** The record of the member at each place. */
export function recordsAt({ all, byDeployment }: Places, records: MemberRecords): readonly (MemberRecord | undefined)[] {
  const found: (MemberRecord | undefined)[] = all.map(() => undefined);
  let next = 0;
  for (const place of byDeployment) {
    const deployment = all[place]?.member.deployment ?? "";
    while (next < records.length && records[next]?.deployment !== deployment && (records[next]?.deployment ?? "") < deployment) next += 1;
    if (records[next]?.deployment === deployment) found[place] = records[next];
  }
  return found;
}
