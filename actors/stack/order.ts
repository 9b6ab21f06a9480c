import type { Member } from "./commands.ts";

export interface Ordering {
  /** Each after all that it waits for, otherwise as given. */
  readonly members: readonly Member[];
  /** The first of those that wait for themselves, through others. */
  readonly circle: Member | undefined;
}

/** Members that may begin first, then those that wait for them, and so on (Kahn): no call within a call, however long the chain. */
export function inOrder(given: readonly Member[]): Ordering {
  const services = new Set(given.map(({ service }) => service));
  const dependents = new Map<string, Member[]>();
  const waits = new Map<Member, number>();
  for (const member of given) {
    const others = new Set(member.after.map(({ service }) => service).filter((service) => services.has(service)));
    waits.set(member, others.size);
    for (const service of others) {
      const known = dependents.get(service);
      if (known === undefined) dependents.set(service, [member]);
      else known.push(member);
    }
  }
  const members = given.filter((member) => waits.get(member) === 0);
  for (const { service } of members) {
    for (const dependent of dependents.get(service) ?? []) {
      const left = (waits.get(dependent) ?? 0) - 1;
      waits.set(dependent, left);
      if (left === 0) members.push(dependent);
    }
  }
  const circle = members.length === given.length ? undefined : given.find((member) => (waits.get(member) ?? 0) > 0);
  return { members, circle };
}
