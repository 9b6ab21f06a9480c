import { z } from "zod";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { reachOf } from "../ingress/answering.ts";
import { readProxies } from "../ingress/operations.ts";
import { ManifestView } from "../manifest/manifest-view.ts";
import { writeCompose } from "../manifest/write-compose.ts";
import { nearestRow } from "../nearest-row.ts";
import { page, pageOf, paging, TimeMs } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { ChangeView, DeploymentView } from "../views.ts";
import { DeploymentName } from "./contract.ts";
import { readHistory } from "./history.ts";
import { maskedView } from "./masking.ts";
import { deploymentRefusals } from "./refusals.ts";
import { silentReplicas, withSilence } from "./silent-replicas.ts";

const CHANGES = ["create", "update", "scale", "restart", "stop", "start", "rollback", "automatic-rollback", "delete"] as const;

function shown(view: DeploymentView, { meta }: OperationContext): DeploymentView {
  return meta.principal.role === "read-only" ? maskedView(view) : view;
}

/** Reading operations of deployments. */
export const deploymentReads: readonly Operation[] = [
  defineOperation({
    name: "deployments.list",
    title: "List the deployments",
    description:
      "Every deployment by name, with its status and why it is so, how many replicas are wanted and healthy, and how its last change went.",
    input: z.strictObject({
      ...paging,
      status: DeploymentView.shape.status.optional().describe("Only those of this status, as decided last."),
    }),
    output: pageOf(DeploymentView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/deployments" },
    example: "deployments",
    effect: "read",
    handle: async ({ limit, cursor, status }, context) => {
      const [silent, found] = await Promise.all([
        silentReplicas(context),
        context.reads.rows({
          kind: "deployment",
          limit,
          ...(cursor === undefined ? {} : { cursor }),
          ...(status === undefined ? {} : { where: { status } }),
        }),
      ]);
      return page(
        found.items.map((row) => shown(withSilence(row.body, silent, context.clock.nowMs()), context)),
        found.next,
        found.asOfOffset,
      );
    },
  }),
  defineOperation({
    name: "deployments.get",
    title: "Show one deployment",
    description:
      "A deployment with its specification, its status, and how its last change went. The ETag is its generation: send it as If-Match with a change.",
    input: z.strictObject({ name: DeploymentName }),
    output: DeploymentView,
    roles: READERS,
    errors: ["deployment.not-found"],
    http: { method: "GET", path: "/deployments/{name}" },
    example: "deployments get web",
    effect: "read",
    handle: async ({ name }, context) => {
      const [silent, { row }, proxies] = await Promise.all([
        silentReplicas(context),
        context.reads.row("deployment", name),
        readProxies(context),
      ]);
      if (row !== undefined) {
        const reach = [...(await reachOf(context, name, proxies))];
        return { kind: "ok", value: { ...shown(withSilence(row.body, silent, context.clock.nowMs()), context), reach } };
      }
      return deploymentRefusals["deployment.not-found"]({ name, nearest: await nearestRow(context.reads, "deployment", name) });
    },
  }),
  defineOperation({
    name: "deployments.export",
    title: "Write a Compose file of a deployment that stands alone",
    description:
      "Planning the file changes nothing. What Compose has no field for is under x-odysseus. For those who may only look, values that look like secrets are masked. A member of a stack is exported with its stack.",
    input: z.strictObject({ name: DeploymentName }),
    output: ManifestView,
    roles: READERS,
    errors: ["deployment.not-found", "deployment.of-a-stack"],
    http: { method: "GET", path: "/deployments/{name}/manifest" },
    example: "export web",
    effect: "read",
    handle: async ({ name }, context) => {
      const { row } = await context.reads.row("deployment", name);
      if (row === undefined)
        return deploymentRefusals["deployment.not-found"]({ name, nearest: await nearestRow(context.reads, "deployment", name) });
      const { spec, stack } = shown(DeploymentView.parse(row.body), context);
      if (stack !== undefined) return deploymentRefusals["deployment.of-a-stack"]({ name, stack });
      const services = [{ service: name, spec, after: [] }];
      return { kind: "ok", value: { manifest: writeCompose({ name, onFailure: "rollback", services }) } };
    },
  }),
  defineOperation({
    name: "deployments.history",
    title: "Show the changes of a deployment",
    description:
      "Who changed what and when, newest first, field by field, and how each rollout ended. A deleted deployment keeps its history.",
    input: z.strictObject({
      name: DeploymentName,
      by: z.string().max(200).optional().describe("Only changes by this author."),
      change: z.enum(CHANGES).optional().describe("Only changes of this kind."),
      sinceMs: TimeMs.optional().describe("Not before, in milliseconds since 1970."),
      untilMs: TimeMs.optional().describe("Not after, in milliseconds since 1970."),
      ...paging,
      cursor: paging.cursor.refine(
        (text) => text === undefined || /^[0-9]+$/.test(Buffer.from(text, "base64url").toString()),
        "is not a cursor of this list",
      ),
    }),
    output: pageOf(ChangeView),
    roles: READERS,
    errors: ["deployment.not-found"],
    http: { method: "GET", path: "/deployments/{name}/history" },
    example: "history web",
    effect: "read",
    handle: async ({ name, limit, cursor, ...filter }, context) => {
      const history = await readHistory(context, name, filter, limit, cursor);
      if (history.total > 0) return page(history.items, history.next, history.asOfOffset);
      const { row } = await context.reads.row("deployment", name);
      if (row !== undefined) return page([], undefined, history.asOfOffset);
      return deploymentRefusals["deployment.not-found"]({ name, nearest: await nearestRow(context.reads, "deployment", name) });
    },
  }),
];
