import type { Member } from "./commands.ts";
import { memberDiff } from "./changes.ts";

/**
 * What members are, each once, however many revisions it is part of: by key, `shop-web@3` for what the deployment is from the stack's revision 3 on. So a
 * change of one member of thousands is as large as that member.
 */
export type Contents = Readonly<Record<string, Member>>;

/** Members told in one event, so that whoever reads events has none of megabytes to take in at once. */
const MAX_DESCRIBED = 100;

export function contentKey(deployment: string, revision: number): string {
  return `${deployment}@${revision}`;
}

export function membersOf(contents: Contents, keys: readonly string[]): readonly Member[] {
  return keys.flatMap((key) => contents[key] ?? []);
}

export interface Described {
  /** Of the members, in their order. */
  readonly keys: readonly string[];
  /** Those that are not known yet, in portions. */
  readonly portions: readonly Contents[];
}

/** A member that is what it was keeps its key. */
export function describe(contents: Contents, before: readonly string[], members: readonly Member[], revision: number): Described {
  const known = new Map(before.map((key) => [contents[key]?.deployment, key]));
  const news: (readonly [string, Member])[] = [];
  const keys = members.map((member) => {
    const key = known.get(member.deployment);
    const old = key === undefined ? undefined : contents[key];
    if (key !== undefined && old !== undefined && isSameMember(old, member)) return key;
    const made = contentKey(member.deployment, revision);
    news.push([made, member]);
    return made;
  });
  const portions: Contents[] = [];
  for (let from = 0; from < news.length; from += MAX_DESCRIBED) portions.push(Object.fromEntries(news.slice(from, from + MAX_DESCRIBED)));
  return { keys, portions };
}

/** Platforms are not told apart: they follow from the image. */
export function isSameMember(old: Member, member: Member): boolean {
  return (
    old === member ||
    JSON.stringify(old) === JSON.stringify(member) ||
    (old.service === member.service && memberDiff(old, member).length === 0)
  );
}

/** Without those that no list of keys names. */
export function keptContents(contents: Contents, lists: readonly (readonly string[])[]): Contents {
  const named = new Set(lists.flat());
  return Object.fromEntries(Object.entries(contents).filter(([key]) => named.has(key)));
}
