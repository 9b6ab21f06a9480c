import type { OperationContext } from "../catalogue.ts";
import { DeploymentView } from "../views.ts";
import type { Member } from "./commands.ts";
import { MAX_MEMBERS } from "./contract.ts";
import { revisionId, StackRevisionRow, StackView } from "./views.ts";
import { PinnedTemplate } from "../deployment/contract.ts";

/** A stack as it stands in the read model. */
export interface PresentStack {
  readonly view: StackView | undefined;
  /** Of the revision it is at. */
  readonly revision: StackRevisionRow | undefined;
  readonly members: readonly Member[];
}

export async function readStack({ reads }: OperationContext, name: string): Promise<PresentStack> {
  const { row } = await reads.row("stack", name);
  if (row === undefined) return { view: undefined, revision: undefined, members: [] };
  const view = StackView.parse(row.body);
  const { row: stored } = await reads.row("stack-revision", revisionId(name, view.revision));
  const revision = stored === undefined ? undefined : StackRevisionRow.parse(stored.body);
  return { view, revision, members: (revision?.members ?? []).map(memberOf) };
}

/** Platforms are not shown; who decides knows them. */
function memberOf({
  service,
  deployment,
  after,
  image,
  spec: { replicas, image: _reference, ...template },
}: StackRevisionRow["members"][number]): Member {
  return { service, deployment, after, replicas, template: PinnedTemplate.parse({ ...template, image }), platforms: [] };
}

/** Deployments by name: those of the stack, and any other of the names. */
export async function readMembers(
  { reads }: OperationContext,
  stack: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, DeploymentView>> {
  const { items } = await reads.rows({ kind: "deployment", where: { stack }, limit: MAX_MEMBERS * 2 });
  const found = new Map(items.map((row) => [row.id, DeploymentView.parse(row.body)]));
  for (const name of names) {
    if (found.has(name)) continue;
    const { row } = await reads.row("deployment", name);
    if (row !== undefined) found.set(name, DeploymentView.parse(row.body));
  }
  return found;
}
