import type { MemberSummary, StackView } from "../../actors/stack/views.ts";
import type { Api } from "./client.ts";
import { ask, MAX_PAGE_ITEMS, type PageOf } from "./routes.ts";

export type MemberPage = PageOf<MemberSummary> & { readonly stack: StackView };

/** A stack, and the first of its members. `next`: there are more. */
export function firstMembers(api: Api, name: string, limit: number): Promise<MemberPage> {
  return ask<MemberPage>(api, "stacks.members", { name, query: { limit } });
}

export async function allMembers(
  api: Api,
  name: string,
): Promise<{ readonly stack: StackView; readonly members: readonly MemberSummary[] }> {
  let page = await firstMembers(api, name, MAX_PAGE_ITEMS);
  const members = [...page.items];
  while (typeof page.next === "string") {
    page = await ask<MemberPage>(api, "stacks.members", { name, query: { limit: MAX_PAGE_ITEMS, cursor: page.next } });
    members.push(...page.items);
  }
  return { stack: page.stack, members };
}

/** Nothing needs to be done about it. */
export function isWell({ now, drift }: MemberSummary): boolean {
  return (now?.status === "running" || now?.status === "completed") && drift.length === 0;
}
