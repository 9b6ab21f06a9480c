import { z } from "zod";
import { allRows } from "../all-rows.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { diff, specFields } from "../deployment/change.ts";
import { MAX_CHANGES_READ } from "../deployment/history.ts";
import { maskedSpec, maskedView } from "../deployment/masking.ts";
import { composeSteps, type StackToWrite } from "../manifest/write-compose.ts";
import { nearestRow } from "../nearest-row.ts";
import { cursorOf, page, pageOf, paging, positionOf } from "../paging.ts";
import { inPortions, inTurns } from "../portions.ts";
import { READERS } from "../read-roles.ts";
import type { DeploymentView } from "../views.ts";
import { StackName } from "./contract.ts";
import { listMembers } from "./member-list.ts";
import { presentFields } from "./plan-stack.ts";
import { stackRefusals } from "./refusals.ts";
import { readMembers, readStack, type PresentStack } from "./stack-reads.ts";
import { ManifestView } from "../manifest/manifest-view.ts";
import { StackChangeView, StackDetail, StackView } from "./views.ts";

/** Reading operations of stacks. */
export const stackReads: readonly Operation[] = [
  defineOperation({
    name: "stacks.list",
    title: "List the stacks",
    description: "Every stack by name, with its status and why it is so, its services, and how its last change went.",
    effect: "read",
    input: z.strictObject(paging),
    output: pageOf(StackView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/stacks" },
    example: "stacks",
    handle: async ({ limit, cursor }, { reads }) => {
      const found = await reads.rows({ kind: "stack", limit, ...(cursor === undefined ? {} : { cursor }) });
      return page(
        found.items.map((row) => StackView.parse(row.body)),
        found.next,
        found.asOfOffset,
      );
    },
  }),
  defineOperation({
    name: "stacks.get",
    title: "Show one stack",
    description:
      "A stack with its members: the deployment each is, and what it differs in from what the stack says, where it was changed by hand. The ETag is its generation.",
    effect: "read",
    input: z.strictObject({ name: StackName }),
    output: StackDetail,
    roles: READERS,
    errors: ["stack.not-found"],
    http: { method: "GET", path: "/stacks/{name}" },
    example: "stacks get shop",
    handle: async ({ name }, context) => {
      const present = await readStack(context, name);
      if (present.view === undefined)
        return stackRefusals["stack.not-found"]({ name, nearest: await nearestRow(context.reads, "stack", name) });
      const deployments = await readMembers(context, name, []);
      const value: StackDetail = { ...present.view, members: await membersOf(present, deployments, context) };
      return { kind: "ok", value };
    },
  }),
  listMembers,
  defineOperation({
    name: "stacks.export",
    title: "Write a Compose file of a stack",
    description:
      "Its members as they are now, also where they were changed by hand. Planning the file changes nothing. What Compose has no field for is under x-odysseus. For those who may only look, values that look like secrets are masked.",
    effect: "read",
    input: z.strictObject({ name: StackName }),
    output: ManifestView,
    roles: READERS,
    errors: ["stack.not-found"],
    http: { method: "GET", path: "/stacks/{name}/manifest" },
    example: "export shop",
    handle: async ({ name }, context) => {
      const present = await readStack(context, name);
      if (present.view === undefined)
        return stackRefusals["stack.not-found"]({ name, nearest: await nearestRow(context.reads, "stack", name) });
      const deployments = await readMembers(context, name, []);
      return { kind: "ok", value: { manifest: await inTurns(composeSteps(manifestOf(present, deployments, context)), context.clock) } };
    },
  }),
  defineOperation({
    name: "stacks.history",
    title: "Show the changes of a stack",
    description:
      "Who changed what and when, newest first, member by member, how each rollout ended, and which revision of each member belongs to it. A deleted stack keeps its history.",
    effect: "read",
    input: z.strictObject({
      name: StackName,
      ...paging,
      cursor: paging.cursor.refine(
        (text) => text === undefined || /^[0-9]+$/.test(Buffer.from(text, "base64url").toString()),
        "is not a cursor of this list",
      ),
    }),
    output: pageOf(StackChangeView),
    roles: READERS,
    errors: ["stack.not-found"],
    http: { method: "GET", path: "/stacks/{name}/history" },
    example: "stacks history shop",
    handle: async ({ name, limit, cursor }, context) => {
      const query = { kind: "stack-change", parent: name };
      const changes = await allRows(context.reads, query, MAX_CHANGES_READ, ({ body }) => StackChangeView.parse(body));
      if (changes.items.length === 0)
        return stackRefusals["stack.not-found"]({ name, nearest: await nearestRow(context.reads, "stack", name) });
      const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(positionOf(cursor));
      const older = changes.items.filter(({ generation }) => generation < before);
      const items = older.toReversed().slice(0, limit);
      const last = items.at(-1);
      return page(items, last === undefined || older.length <= limit ? undefined : cursorOf(String(last.generation)), changes.asOfOffset);
    },
  }),
];

function manifestOf(
  { revision }: PresentStack,
  deployments: ReadonlyMap<string, DeploymentView>,
  { meta }: OperationContext,
): StackToWrite {
  const shown = ({ spec }: Pick<DeploymentView, "spec">): DeploymentView["spec"] =>
    meta.principal.role === "read-only" ? maskedSpec(spec) : spec;
  return {
    name: revision?.stack ?? "",
    onFailure: revision?.onFailure ?? "rollback",
    services: (revision?.members ?? []).map(({ service, deployment, spec, after }) => ({
      service,
      after,
      spec: shown(deployments.get(deployment) ?? { spec }),
    })),
  };
}

async function membersOf(
  { revision, members }: PresentStack,
  deployments: ReadonlyMap<string, DeploymentView>,
  { meta, clock }: OperationContext,
): Promise<StackDetail["members"]> {
  const shown = await inPortions(members, clock, ({ service, deployment, replicas, template }) => {
    const view = deployments.get(deployment);
    const linked = revision?.links[deployment];
    return {
      service,
      deployment,
      ...(view === undefined ? {} : { view: meta.principal.role === "read-only" ? maskedView(view) : view }),
      ...(linked === undefined ? {} : { linked }),
      drift: view === undefined ? [] : [...diff(specFields(template, replicas), presentFields(view))],
    };
  });
  return [...shown];
}
