import { z } from "zod";
import { addressOf } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import { defineOperation, type Operation, type OperationContext, type Role } from "../catalogue.ts";
import { withNearest } from "../nearest-row.ts";
import { DeploymentView, FieldChangeView } from "../views.ts";
import { awaitedFindings } from "./awaited-replicas.ts";
import { diff, specFields, type SealedPatch, TemplatePatch } from "./change.ts";
import type { PersonCommand, Wanted } from "./commands.ts";
import { DeploymentName, DeploymentSpec, MAX_REPLICAS, PinnedTemplate } from "./contract.ts";
import { frontendProblems, frontendsOfTemplate } from "./frontends.ts";
import { modeProblems } from "./mode-problems.ts";
import { ingressNodes, reachWords } from "./reach-words.ts";
import { deploymentRefusals } from "./refusals.ts";
import { NONE_REPLACED, presentTemplate, Replaced, replacedBy } from "./replaced.ts";
import { clashesOf, reserveFrontends, unlessAccepted } from "./reserve.ts";
import { paceFindings } from "./pace-findings.ts";
import { nodeFindings } from "./node-findings.ts";
import { fileErrors, sealFiles, type Sealing } from "./seal-files.ts";
import { pinnedAnew, pinOf } from "./pin-update.ts";
import { keptPin, resolveImage } from "./resolve-image.ts";

/** A decision takes milliseconds; so long only when the disk is slow. */
const DECISION_TIMEOUT_MS = 15_000;
export const writers: readonly Role[] = ["admin", "operator", "developer"];
export const ingressErrors = [
  "ingress.port-taken",
  "ingress.port-routed",
  "ingress.route-taken",
  "ingress.host-taken",
  "ingress.too-many-hosts",
  "ingress.routes-blocked",
  "ingress.full",
] as const;
export const imageErrors = ["image.not-found", "image.access-denied", "image.registry-unavailable", "image.no-node"] as const;

const Name = z.strictObject({ name: DeploymentName });
const FieldChanges = z.array(FieldChangeView);
const Changed = z.object({
  name: z.string(),
  generation: z.number(),
  revision: z.number(),
  change: z.enum(["created", "changed", "unchanged", "deleting"]),
  /** The rollout to wait for; absent when there is nothing to wait for. */
  rollout: z.number().optional(),
  diff: FieldChanges,
});
const Planned = z.object({
  name: z.string(),
  change: z.enum(["create", "change", "none"]),
  diff: FieldChanges,
  /** Of a change. */
  replaces: Replaced.optional(),
  findings: z.array(z.string()),
});

/** Commands after which a deployment may want ports and routes that it did not want before. */
const PUBLISHING: ReadonlySet<PersonCommand["kind"]> = new Set(["create", "apply", "update", "rollback"]);

async function command(name: string, message: PersonCommand, context: OperationContext): Promise<Reply> {
  const { host, tenant, meta, reads, ifGeneration } = context;
  const guarded = ifGeneration === undefined ? message : { ...message, ifGeneration };
  const address = addressOf(tenant, "deployment", name);
  if (PUBLISHING.has(message.kind)) {
    const intended = [{ deployment: name, command: guarded }];
    const reserved = await reserveFrontends(intended, `deployments.${message.kind}`, context, DECISION_TIMEOUT_MS);
    if (reserved.kind === "refusal") return unlessAccepted(reserved, address, context);
  }
  const reply = await host.ask(address, guarded, meta, { timeoutMs: DECISION_TIMEOUT_MS });
  return withNearest(reply, deploymentRefusals["deployment.not-found"], "deployment", name, reads);
}

/** Pins the image, unless the deployment runs that very reference already: then it stays what it is. Seals files, or says how they would be. */
async function wanted(
  name: string,
  { replicas, image: reference, files: given, ...template }: DeploymentSpec,
  context: OperationContext,
  keepsPin: "keeps-pin" | "pins-anew",
  sealing: Sealing,
): Promise<Wanted | Refusal> {
  const current = keepsPin === "keeps-pin" ? await present(name, context) : undefined;
  const named = { reference, pull: template.pull };
  const resolved = keptPin(named, pinOf(current)) ?? (await resolveImage(named, context));
  if (isRefusal(resolved)) return resolved;
  const files = await sealFiles(given, context, sealing);
  if (isRefusal(files)) return files;
  return { template: PinnedTemplate.parse({ ...template, ...files, image: resolved.image }), platforms: resolved.platforms, replicas };
}

async function present(name: string, { reads }: OperationContext): Promise<DeploymentView | undefined> {
  const { row } = await reads.row("deployment", name);
  return row === undefined ? undefined : DeploymentView.parse(row.body);
}

function simple(verb: "restart" | "stop" | "start", title: string, description: string, effect: "write" | "destructive"): Operation {
  return defineOperation({
    name: `deployments.${verb}`,
    title,
    description,
    effect,
    input: Name,
    output: Changed,
    roles: writers,
    errors: ["deployment.not-found", "deployment.deleting", "deployment.stopped", "generation.mismatch"],
    http: { method: "POST", path: `/deployments/{name}/${verb}` },
    example: `${verb} web --wait`,
    handle: ({ name }, context) => command(name, { kind: verb }, context),
  });
}

export const deploymentWrites: readonly Operation[] = [
  defineOperation({
    name: "deployments.create",
    title: "Create a deployment",
    description:
      "Pins the image to its digest, writes revision 1 and starts the replicas. Refused when the name is taken; use apply to create or change.",
    effect: "write",
    input: DeploymentSpec.extend({ name: DeploymentName }),
    output: Changed,
    roles: writers,
    errors: ["deployment.exists", "deployment.deleting", "deployment.invalid", ...imageErrors, ...fileErrors, ...ingressErrors],
    http: { method: "POST", path: "/deployments" },
    example: "deploy web --image nginx:1.27 --replicas 3 --publish 8080:80 --wait",
    handle: async ({ name, ...spec }, context) => {
      const target = await wanted(name, spec, context, "pins-anew", "keep");
      return isRefusal(target) ? target : command(name, { kind: "create", ...target }, context);
    },
  }),
  defineOperation({
    name: "deployments.apply",
    title: "Create a deployment or make it what is given",
    description:
      "The same input again does nothing, even when the tag it names has moved meanwhile. A change of anything but the replica count is a new revision, and replaces replicas if it is of something they carry.",
    effect: "write",
    input: DeploymentSpec.extend({ name: DeploymentName }),
    output: Changed,
    roles: writers,
    errors: ["deployment.deleting", "deployment.invalid", "generation.mismatch", ...imageErrors, ...fileErrors, ...ingressErrors],
    http: { method: "PUT", path: "/deployments/{name}" },
    example: "deployments apply web --image nginx:1.27",
    handle: async ({ name, ...spec }, context) => {
      const target = await wanted(name, spec, context, "keeps-pin", "keep");
      return isRefusal(target) ? target : command(name, { kind: "apply", ...target }, context);
    },
  }),
  defineOperation({
    name: "deployments.plan",
    title: "Show what apply would change",
    description: "Field by field; nothing is done.",
    effect: "read",
    input: DeploymentSpec.extend({ name: DeploymentName }),
    output: Planned,
    roles: [...writers, "read-only"],
    errors: [...imageErrors, ...fileErrors],
    http: { method: "POST", path: "/deployments/{name}/plan" },
    example: "deployments plan web --image nginx:1.28",
    handle: async ({ name, ...spec }, context) => {
      const current = await present(name, context);
      const target = await wanted(name, spec, context, "keeps-pin", "look");
      if (isRefusal(target)) return target;
      const wants = [{ deployment: name, frontends: frontendsOfTemplate(target.template) }];
      const [nodes, clashes] = await Promise.all([ingressNodes(context), clashesOf(wants, context, DECISION_TIMEOUT_MS)]);
      const missed = current === undefined ? [] : awaitedFindings(current, target.template);
      return { kind: "ok", value: planOf(name, current, target, [...missed, ...findingsOf(target, nodes, clashes.get(name))]) };
    },
  }),
  defineOperation({
    name: "deployments.update",
    title: "Change some fields of a deployment",
    description:
      "Fields not given stay as they are; null takes an environment variable or a label away, or a field back to its default. An image is pinned anew, also when its reference is the same.",
    effect: "write",
    input: TemplatePatch.extend({ name: DeploymentName, replicas: z.int().min(0).max(MAX_REPLICAS).optional() }),
    output: Changed,
    roles: writers,
    errors: [
      "deployment.not-found",
      "deployment.deleting",
      "deployment.invalid",
      "generation.mismatch",
      ...imageErrors,
      ...fileErrors,
      ...ingressErrors,
    ],
    http: { method: "PATCH", path: "/deployments/{name}" },
    example: "update web --image nginx:1.28 --wait",
    handle: async ({ name, replicas, files: given, ...fields }, context) => {
      const pinned = await pinnedAnew(fields, await present(name, context), context);
      if (isRefusal(pinned)) return pinned;
      const files = given === null ? { files: given } : await sealFiles(given, context, "keep");
      if (isRefusal(files)) return files;
      const patch: SealedPatch = { ...fields, ...files };
      return command(
        name,
        { kind: "update", patch, ...pinned.resolved, ...(replicas === undefined ? {} : { replicas }) },
        pinned.ifGeneration === undefined ? context : { ...context, ifGeneration: pinned.ifGeneration },
      );
    },
  }),
  defineOperation({
    name: "deployments.scale",
    title: "Set the number of replicas",
    description:
      "Makes no revision. A rollout that is under way is carried on with the new number. Refused for one that is global: nodes decide how many it has.",
    effect: "write",
    input: Name.extend({ replicas: z.int().min(0).max(MAX_REPLICAS) }),
    output: Changed,
    roles: writers,
    errors: ["deployment.not-found", "deployment.deleting", "deployment.global", "generation.mismatch"],
    http: { method: "POST", path: "/deployments/{name}/scale" },
    example: "scale web 5",
    handle: ({ name, replicas }, context) => command(name, { kind: "scale", replicas }, context),
  }),
  simple(
    "restart",
    "Restart all replicas, one after the other",
    "A new revision of the same content, rolled out within the update policy.",
    "write",
  ),
  simple(
    "stop",
    "Stop all replicas and keep the deployment",
    "Its revisions and history stay; start brings the replicas back.",
    "destructive",
  ),
  simple("start", "Start a stopped deployment", "With the revision and the number of replicas it had.", "write"),
  defineOperation({
    name: "deployments.delete",
    title: "Stop all replicas and delete the deployment",
    description: "The audit log keeps what happened; the deployment itself cannot be brought back.",
    effect: "destructive",
    input: Name,
    output: Changed,
    roles: writers,
    errors: ["deployment.not-found", "generation.mismatch"],
    http: { method: "DELETE", path: "/deployments/{name}" },
    example: "delete web --wait",
    handle: ({ name }, context) => command(name, { kind: "delete" }, context),
  }),
  defineOperation({
    name: "deployments.rollback",
    title: "Go back to an earlier revision",
    description:
      "Writes a new revision with the content of the older one. Without a number: the newest revision before the present content that once succeeded, so a second rollback goes one further back.",
    effect: "destructive",
    input: Name.extend({ to: z.int().min(1).optional() }),
    output: Changed,
    roles: writers,
    errors: [
      "deployment.not-found",
      "deployment.deleting",
      "deployment.stopped",
      "revision.not-found",
      "revision.none-earlier",
      "revision.current",
      "generation.mismatch",
      ...ingressErrors,
    ],
    http: { method: "POST", path: "/deployments/{name}/rollback" },
    example: "rollback web --to 3 --wait",
    handle: ({ name, to }, context) => command(name, to === undefined ? { kind: "rollback" } : { kind: "rollback", to }, context),
  }),
];

function planOf(
  name: string,
  current: DeploymentView | undefined,
  { template, replicas }: Wanted,
  findings: string[],
): z.infer<typeof Planned> {
  if (current === undefined) return { name, change: "create", diff: [...diff({}, specFields(template, replicas))], findings };
  const changes = diff(specFields(presentTemplate(current), current.spec.replicas), specFields(template, replicas));
  if (changes.length === 0) return { name, change: "none", diff: [], findings };
  return { name, change: "change", diff: [...changes], replaces: replacedBy(current, template) ?? NONE_REPLACED, findings };
}

/** What a person should know before this template is rolled out. `nodes` take traffic; `clash`: why its ports and routes cannot be had. */
export function findingsOf({ template, replicas }: Wanted, nodes: readonly string[], clash: string | undefined): string[] {
  const problems = [...frontendProblems(template), ...modeProblems(template, replicas)];
  return [
    ...(clash === undefined ? [] : [clash]),
    ...problems.map((problem) => `This would be refused: ${problem}.`),
    ...reachWords(template, nodes),
    ...nodeFindings(template),
    ...paceFindings(template, replicas),
  ];
}
