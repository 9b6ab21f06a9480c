import { z } from "zod";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { diff, specFields } from "../deployment/change.ts";
import { nearestRow } from "../nearest-row.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { DeploymentView } from "../views.ts";
import { StackName } from "./contract.ts";
import { presentFields } from "./plan-stack.ts";
import { stackRefusals } from "./refusals.ts";
import { readStack } from "./stack-reads.ts";
import { MemberSummary, StackMemberRow, StackView } from "./views.ts";

/** Members page by page, without what they are made of: a stack of thousands is looked at again and again while it changes. */
export const listMembers: Operation = defineOperation({
  name: "stacks.members",
  title: "List the members of a stack",
  description:
    "By the names of their deployments, page by page: how each stands, and which fields differ from what the stack says, where it was changed by hand; beside them the stack as it is in the list of stacks. What a member is made of, and both values of what differs, are in the stack's detail.",
  effect: "read",
  input: z.strictObject({ name: StackName, ...paging }),
  output: pageOf(MemberSummary).extend({ stack: StackView }),
  roles: READERS,
  errors: ["stack.not-found"],
  http: { method: "GET", path: "/stacks/{name}/members" },
  example: "stacks members shop",
  handle: async ({ name, limit, cursor }, context) => {
    const { reads } = context;
    const { row } = await reads.row("stack", name);
    if (row === undefined) return stackRefusals["stack.not-found"]({ name, nearest: await nearestRow(reads, "stack", name) });
    const found = await reads.rows({ kind: "stack-member", parent: name, limit, ...(cursor === undefined ? {} : { cursor }) });
    const members = found.items.map(({ body }) => StackMemberRow.parse(body));
    const { value } = page(await summariesOf(name, members, context), found.next, found.asOfOffset);
    return { kind: "ok", value: { ...value, stack: StackView.parse(row.body) } };
  },
});

async function summariesOf(
  stack: string,
  members: readonly StackMemberRow[],
  context: OperationContext,
): Promise<readonly MemberSummary[]> {
  const ids = members.map(({ deployment }) => deployment);
  const rows = ids.length === 0 ? [] : (await context.reads.rows({ kind: "deployment", ids, limit: ids.length })).items;
  const views = new Map(rows.map(({ id, body }) => [id, DeploymentView.parse(body)]));
  const drifted = new Set(ids.filter((id) => views.get(id)?.stack === stack && views.get(id)?.drifted === true));
  // What the stack says is read only where something differs from it: it is as large as all members are.
  const said = drifted.size === 0 ? [] : (await readStack(context, stack)).members.filter(({ deployment }) => drifted.has(deployment));
  const drift = new Map(
    said.map(({ deployment, template, replicas }) => {
      const view = views.get(deployment);
      const fields = view === undefined ? [] : diff(specFields(template, replicas), presentFields(view));
      return [deployment, fields.map(({ path }) => path)];
    }),
  );
  return members.map(({ service, deployment }) => summaryOf(service, deployment, views.get(deployment), drift.get(deployment) ?? []));
}

function summaryOf(service: string, deployment: string, view: DeploymentView | undefined, drift: readonly string[]): MemberSummary {
  if (view === undefined) return { service, deployment, drift: [] };
  const { status, reason, revision, replicas, healthyReplicas, image, rollout } = view;
  const now = { status, reason, revision, replicas, healthyReplicas, image: image.reference, rollout };
  return { service, deployment, now, drift: [...drift] };
}
