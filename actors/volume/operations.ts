import { z } from "zod";
import { addressOf, subjectOf } from "../../runtime/address.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { keptVolumes, VolumeName } from "../deployment/mount-contract.ts";
import { nearestRow } from "../nearest-row.ts";
import { VolumeRemoval } from "../node/contract.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import type { SchedulerCommand } from "../scheduler/contract.ts";
import { DeploymentView } from "../views.ts";
import { volumeRefusals } from "./refusals.ts";

const DECISION_TIMEOUT_MS = 15_000;
/** An engine that removes much data takes a while. */
const REMOVAL_TIMEOUT_MS = 60_000;
/** Of deployments, when their volumes are looked for. */
const READ_PAGE_ITEMS = 1_000;

/** Row kind `volume`, id = name: where its data is. */
const VolumeRow = z.object({ name: z.string(), nodes: z.array(z.string()) });

export const VolumeView = VolumeRow.extend({
  /** Where its data is, and where whoever uses it runs; of several, each has data of its own, as the replicas of a global deployment have. */
  nodes: z.array(z.string()),
  /** Deployments that mount it, running or not. */
  users: z.array(z.string()),
});
export type VolumeView = z.infer<typeof VolumeView>;

/** What became of the data on one node. */
const RemovedFrom = z.object({ node: z.string(), data: z.enum(["removed", "kept"]), reason: z.string() });

export const volumeOperations: readonly Operation[] = [
  defineOperation({
    name: "volumes.list",
    title: "List the volumes",
    description:
      "Named volumes by name: the node their data is on (or each of the nodes, with data of its own, where a global deployment uses it), and the deployments that mount them. One that nobody uses any more is kept.",
    input: z.strictObject(paging),
    output: pageOf(VolumeView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/volumes" },
    example: "volumes list",
    effect: "read",
    handle: async ({ limit, cursor }, context) => {
      const [users, found] = await Promise.all([
        usersOfVolumes(context),
        context.reads.rows({ kind: "volume", limit, ...(cursor === undefined ? {} : { cursor }) }),
      ]);
      const items = found.items.map(({ id, body }) => ({ ...VolumeRow.parse(body), users: [...(users.get(id) ?? [])] }));
      return page(items, found.next, found.asOfOffset);
    },
  }),
  defineOperation({
    name: "volumes.delete",
    title: "Delete a volume with its data",
    description:
      "Refused while a deployment mounts it. The next replica that uses the name begins with an empty volume, on any node. Data on a node that does not answer stays there, and the answer says so.",
    effect: "destructive",
    input: z.strictObject({ name: VolumeName }),
    output: z.object({ name: z.string(), nodes: z.array(RemovedFrom) }),
    roles: ["admin", "operator"],
    errors: ["volume.not-found", "volume.in-use"],
    http: { method: "DELETE", path: "/volumes/{name}" },
    example: "volumes delete shop_data",
    handle: async ({ name }, context) => {
      const refusal = await refusalFor(name, context);
      if (refusal !== undefined) return refusal;
      const command: SchedulerCommand = { kind: "forget-volume", name };
      const reply = await context.host.ask(addressOf(context.tenant, "scheduler"), command, context.meta, {
        timeoutMs: DECISION_TIMEOUT_MS,
      });
      if (isRefusal(reply)) return reply;
      const { nodes } = VolumeRow.pick({ nodes: true }).parse(reply.value);
      const places = await Promise.all(nodes.map(async (node) => ({ node, ...(await removed(name, node, context)) })));
      return { kind: "ok", value: { name, nodes: places } };
    },
  }),
];

async function refusalFor(name: string, context: OperationContext): Promise<Refusal | undefined> {
  const { row } = await context.reads.row("volume", name);
  if (row === undefined) return volumeRefusals["volume.not-found"]({ name, nearest: await nearestRow(context.reads, "volume", name) });
  const users = (await usersOfVolumes(context)).get(name) ?? [];
  return users.length === 0 ? undefined : volumeRefusals["volume.in-use"]({ name, users });
}

async function usersOfVolumes({ reads }: OperationContext): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (let cursor: string | undefined; ;) {
    const found = await reads.rows({ kind: "deployment", limit: READ_PAGE_ITEMS, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id, body } of found.items)
      for (const name of keptVolumes(DeploymentView.parse(body).spec.mounts)) users.set(name, [...(users.get(name) ?? []), id]);
    cursor = found.next;
    if (cursor === undefined) return users;
  }
}

async function removed(name: string, node: string, { bus, tenant, signal }: OperationContext): Promise<VolumeRemoval> {
  try {
    const subject = subjectOf(addressOf(tenant, "agent", node));
    return VolumeRemoval.parse(await bus.request(subject, { kind: "remove-volume", name }, { timeoutMs: REMOVAL_TIMEOUT_MS, signal }));
  } catch (cause) {
    return { data: "kept", reason: `${node} could not be asked (${cause instanceof Error ? cause.message : String(cause)})` };
  }
}
