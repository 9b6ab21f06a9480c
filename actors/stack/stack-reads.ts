import type { Row } from "../../runtime/journal.ts";
import { allRows } from "../all-rows.ts";
import type { OperationContext } from "../catalogue.ts";
import { inPortions } from "../portions.ts";
import { DeploymentView } from "../views.ts";
import type { Member } from "./commands.ts";
import { MAX_MEMBERS } from "./contract.ts";
import { RevisionMember, revisionId, UnreadRevision, StackView, type StackRevisionRow } from "./views.ts";
import { PinnedTemplate } from "../deployment/contract.ts";

/** A stack as it stands in the read model. */
export interface PresentStack {
  readonly view: StackView | undefined;
  /** Of the revision it is at. */
  readonly revision: StackRevisionRow | undefined;
  readonly members: readonly Member[];
}

export async function readStack({ reads, clock }: OperationContext, name: string): Promise<PresentStack> {
  const { row } = await reads.row("stack", name);
  if (row === undefined) return { view: undefined, revision: undefined, members: [] };
  const view = StackView.parse(row.body);
  const { row: stored } = await reads.row("stack-revision", revisionId(name, view.revision));
  if (stored === undefined) return { view, revision: undefined, members: [] };
  const unread = UnreadRevision.parse(stored.body);
  const read = await inPortions(unread.members, clock, (item) => {
    const written = RevisionMember.parse(item);
    return { written, member: memberOf(written) };
  });
  const revision = { ...unread, members: read.map(({ written }) => written) };
  return { view, revision, members: read.map(({ member }) => member) };
}

/** Platforms are not shown; who decides knows them. */
function memberOf({ service, deployment, after, image, spec: { replicas, image: _reference, ...template } }: RevisionMember): Member {
  return { service, deployment, after, replicas, template: PinnedTemplate.parse({ ...template, image }), platforms: [] };
}

/** Deployments by name: those of the stack, and any other of the names. */
export async function readMembers(
  { reads }: OperationContext,
  stack: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, DeploymentView>> {
  const read = ({ id, body }: Row): readonly [string, DeploymentView] => [id, DeploymentView.parse(body)];
  const own = await allRows(reads, { kind: "deployment", where: { stack } }, MAX_MEMBERS * 2, read);
  const found = new Map(own.items);
  const ids = names.filter((name) => !found.has(name));
  const others = ids.length === 0 ? [] : (await allRows(reads, { kind: "deployment", ids }, ids.length, read)).items;
  return new Map([...found, ...others]);
}
