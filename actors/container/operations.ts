import { z } from "zod";
import { defineOperation, type Operation } from "../catalogue.ts";
import { DeploymentName } from "../deployment/contract.ts";
import { nearestRow } from "../nearest-row.ts";
import { readNodes } from "../node/node-reads.ts";
import { NodeName } from "../node/operations.ts";
import { page, pageOf, paging, TimeMs } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { ContainerView } from "../views.ts";
import { containerView } from "./container-view.ts";
import { readPools, withPool } from "./pool-state.ts";
import { LogItem } from "./log-contract.ts";
import { readLogs } from "./log-stream.ts";
import { containerRefusals } from "./refusals.ts";
import { ContainerStats, readStats } from "./stats.ts";

/** Containers measured at once. */
const MAX_MEASURED = 1_000;
const MAX_TAIL_LINES = 100_000;

/** `web.3.7`: deployment, slot and number of the placement. */
const ContainerId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}(\.[0-9]{1,10}){0,3}$/, "a container's id looks like web.1.1");

const filters = {
  deployment: DeploymentName.optional().describe("Only replicas of this deployment."),
  node: NodeName.optional().describe("Only replicas on this node."),
};

/** Reading operations of containers, that is of replicas as placed. */
export const containerReads: readonly Operation[] = [
  defineOperation({
    name: "containers.list",
    title: "List the containers",
    description:
      "Every replica with its node, phase and health, since when, and why. Health on a node that is silent is unknown, with the age of its last word. A pending replica lists why no node takes it and what would help.",
    input: z.strictObject({ ...filters, phase: ContainerView.shape.phase.optional().describe("Only replicas in this phase."), ...paging }),
    output: pageOf(ContainerView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/containers" },
    example: "containers",
    effect: "read",
    handle: async ({ deployment, node, phase, limit, cursor }, context) => {
      const where = { ...(node === undefined ? {} : { node }), ...(phase === undefined ? {} : { phase }) };
      const [nodes, pools, found] = await Promise.all([
        readNodes(context),
        readPools(context, deployment),
        context.reads.rows({
          kind: "container",
          where,
          limit,
          ...(deployment === undefined ? {} : { parent: deployment }),
          ...(cursor === undefined ? {} : { cursor }),
        }),
      ]);
      return page(
        found.items.map((row) => withPool(containerView(context, row.body, nodes), pools)),
        found.next,
        found.asOfOffset,
      );
    },
  }),
  defineOperation({
    name: "containers.get",
    title: "Show one container",
    description:
      "A replica with its latest attempt, and what is known of the attempt that ended last: exit code, cause and last lines, also when its container is gone.",
    input: z.strictObject({ id: ContainerId }),
    output: ContainerView,
    roles: READERS,
    errors: ["container.not-found"],
    http: { method: "GET", path: "/containers/{id}" },
    example: "containers get web.1.1",
    effect: "read",
    handle: async ({ id }, context) => {
      const [nodes, { row }] = await Promise.all([readNodes(context), context.reads.row("container", id)]);
      if (row !== undefined)
        return { kind: "ok", value: withPool(containerView(context, row.body, nodes), await readPools(context, row.parent)) };
      return containerRefusals["container.not-found"]({ id, nearest: await nearestRow(context.reads, "container", id) });
    },
  }),
  defineOperation({
    name: "containers.stats",
    title: "Measure the containers",
    description:
      "Processor, memory, network and processes of running replicas, measured now. For nodes that do not answer it gives the last known figures and says so.",
    input: z.strictObject({ ...filters, id: ContainerId.optional().describe("Only this replica.") }),
    output: ContainerStats,
    roles: READERS,
    errors: ["container.not-found"],
    http: { method: "GET", path: "/stats" },
    example: "containers stats --deployment web",
    effect: "read",
    handle: async ({ deployment, node, id }, context) => {
      if (id !== undefined) {
        const { row } = await context.reads.row("container", id);
        if (row === undefined)
          return containerRefusals["container.not-found"]({ id, nearest: await nearestRow(context.reads, "container", id) });
        return { kind: "ok", value: await readStats(context, [ContainerView.parse(row.body)]) };
      }
      const where = node === undefined ? {} : { node };
      const { items } = await context.reads.rows({
        kind: "container",
        where,
        limit: MAX_MEASURED,
        ...(deployment === undefined ? {} : { parent: deployment }),
      });
      return {
        kind: "ok",
        value: await readStats(
          context,
          items.map((row) => ContainerView.parse(row.body)),
        ),
      };
    },
  }),
  defineOperation({
    name: "containers.logs",
    title: "Read logs",
    description:
      "Lines of all replicas of a deployment, or of one replica, in the order of their times, with stdout and stderr told apart. While following, new replicas are added. A node that does not answer is named; lines kept from ended attempts are marked.",
    input: z
      .strictObject({
        deployment: DeploymentName.optional().describe("All replicas of this deployment."),
        container: ContainerId.optional().describe("One replica."),
        follow: z.boolean().default(false).describe("Go on with new lines."),
        tail: z.int().min(0).max(MAX_TAIL_LINES).optional().describe("Only so many last lines of each container."),
        sinceMs: TimeMs.optional().describe("Not before, in milliseconds since 1970."),
        streams: z
          .array(z.enum(["stdout", "stderr"]))
          .min(1)
          .max(2)
          .default(["stdout", "stderr"]),
      })
      .refine(({ deployment, container }) => (deployment === undefined) !== (container === undefined), {
        message: "give either a deployment or a container",
        path: ["deployment"],
      }),
    output: LogItem,
    roles: READERS,
    errors: ["deployment.not-found", "container.not-found"],
    http: { method: "GET", path: "/logs" },
    example: "logs web -f --since 5m --tail 100",
    effect: "stream",
    open: ({ deployment, container, follow, tail, sinceMs, streams }, context, lastEventId) =>
      readLogs(
        context,
        deployment === undefined ? { kind: "container", id: container ?? "" } : { kind: "deployment", name: deployment },
        { follow, tail, sinceMs, streams },
        lastEventId,
      ),
  }),
];
