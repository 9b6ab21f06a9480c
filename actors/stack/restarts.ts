import type { Member } from "./commands.ts";

/**
 * Members that are made anew because one they depend on is: `depends_on` with `restart: true`, also through each other. By deployment, the first one that
 * makes it so. `isReplaced` says whose containers a change replaces anyway.
 */
export function restartsOf(members: readonly Member[], isReplaced: (deployment: string) => boolean): ReadonlyMap<string, string> {
  const dependents = new Map<string, Member[]>();
  for (const member of members)
    for (const { service, restart } of member.after)
      if (restart === true) dependents.set(service, [...(dependents.get(service) ?? []), member]);
  const causes = new Map<string, string>();
  const spreading = members.filter(({ deployment }) => isReplaced(deployment));
  for (const { service, deployment: cause } of spreading) {
    for (const dependent of dependents.get(service) ?? []) {
      if (isReplaced(dependent.deployment) || causes.has(dependent.deployment)) continue;
      causes.set(dependent.deployment, cause);
      spreading.push(dependent);
    }
  }
  return causes;
}
