import { z } from "zod";
import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { awaitedFindings } from "../deployment/awaited-replicas.ts";
import { diff, specFields } from "../deployment/change.ts";
import { PinnedTemplate, type FieldChange } from "../deployment/contract.ts";
import { frontendsOfTemplate } from "../deployment/frontends.ts";
import { findingsOf } from "../deployment/operations-write.ts";
import { ingressNodes } from "../deployment/reach-words.ts";
import { NONE_REPLACED, Replaced, replacedBy, runningReplicas } from "../deployment/replaced.ts";
import { clashesOf } from "../deployment/reserve.ts";
import { pinOf } from "../deployment/pin-update.ts";
import { keptPin, type NamedImage, resolveImage, type Resolved } from "../deployment/resolve-image.ts";
import { sealFiles, type Sealing } from "../deployment/seal-files.ts";
import type { Want } from "../ingress/commands.ts";
import { atMost, inPortions } from "../portions.ts";
import type { Foreseen, Rejection } from "../scheduler/contract.ts";
import { FieldChangeView, RejectionView, type DeploymentView } from "../views.ts";
import { waitsOf } from "./changes.ts";
import { folderChanges } from "./folder-changes.ts";
import type { Member } from "./commands.ts";
import { StackName, type MemberSpec, type StackSpec } from "./contract.ts";
import { foreseenFor } from "./foreseen-members.ts";
import { type FleetImages, missingImages, PlannedImage, plannedImages, readKnownImages } from "./image-plan.ts";
import { memberName } from "./names.ts";
import { wantedMembers } from "./person.ts";
import { restartsOf } from "./restarts.ts";
import { readMembers, readStack, type PresentStack } from "./stack-reads.ts";

/** Each asks the registry through several nodes. */
const IMAGES_LOOKED_UP_AT_ONCE = 20;
const CLASHES_TIMEOUT_MS = 5_000;

const PlannedMember = z.object({
  service: z.string(),
  deployment: z.string(),
  /** stays: not named, and left as it is. restart: nothing differs, and it is made anew after one it depends on. */
  change: z.enum(["create", "change", "restart", "none", "remove", "stays"]),
  diff: z.array(FieldChangeView),
  /** It stands alone now and becomes a member. */
  joins: z.boolean(),
  /** Of a change or a restart. */
  replaces: Replaced.optional(),
  /** Where replicas would go, as things stand now. */
  nodes: z.record(z.string(), z.number()),
  /** Replicas no node would take, and why. */
  pending: z.number(),
  rejections: z.array(RejectionView),
  /** Why other nodes get none, where every node that fits is to have one. */
  leftOut: z.array(RejectionView),
  /** Of each node that replicas would go to: whether it has the image. */
  images: z.array(PlannedImage),
  findings: z.array(z.string()),
});
export type PlannedMember = z.infer<typeof PlannedMember>;

export const PlannedStack = z.object({
  name: StackName,
  change: z.enum(["create", "change", "none"]),
  members: z.array(PlannedMember),
});
export type PlannedStack = z.infer<typeof PlannedStack>;

/** What is asked for beside what is there. */
export interface Comparison {
  readonly present: PresentStack;
  /** As given, with images pinned. */
  readonly given: readonly Member[];
  readonly change: PlannedStack["change"];
  readonly members: readonly Compared[];
}

interface Compared {
  readonly member: Member;
  readonly view: DeploymentView | undefined;
  readonly change: PlannedMember["change"];
  readonly diff: readonly FieldChange[];
  readonly replaces?: Replaced | undefined;
}

export type StackInput = z.output<typeof StackSpec> & { readonly name: string };

/** Compares with the deployments as they are, so that what was changed by hand shows. */
export async function compare(input: StackInput, context: OperationContext, sealing: Sealing): Promise<Comparison | Refusal> {
  const { name, prune } = input;
  const present = await readStack(context, name);
  const deployments = await readMembers(
    context,
    name,
    input.members.map(({ service }) => memberName(name, service)),
  );
  const given = await pinned(name, input.members, present, deployments, context, sealing);
  if (isRefusal(given)) return given;
  const wanted = wantedMembers(present.members, given, prune);
  const isNamed = new Set(given.map(({ deployment }) => deployment));
  const before = new Map(present.members.map((member) => [member.deployment, member]));
  const stays = await inPortions(wanted, context.clock, (member): Compared => {
    const { deployment } = member;
    return compareOne(member, before.get(deployment), deployments.get(deployment), isNamed.has(deployment));
  });
  const isWanted = new Set(wanted.map(({ deployment }) => deployment));
  const removed = present.members
    .filter(({ deployment }) => !isWanted.has(deployment))
    .map((member): Compared => ({ member, view: deployments.get(member.deployment), change: "remove", diff: [] }));
  const members = [...withRestarts(stays), ...removed];
  const isSame = members.every(({ change }) => change === "none" || change === "stays");
  return { present, given, members, change: isSame ? "none" : present.view === undefined ? "create" : "change" };
}

/** Images the stack or its members name already stay pinned as they are; the others are looked up, each once. */
async function pinned(
  stack: string,
  members: readonly MemberSpec[],
  { members: before }: PresentStack,
  deployments: ReadonlyMap<string, DeploymentView>,
  context: OperationContext,
  sealing: Sealing,
): Promise<readonly Member[] | Refusal> {
  const pins = new Map(before.map(({ deployment, template }) => [deployment, template]));
  const kept = ({ service, spec }: MemberSpec): Resolved | undefined => {
    const deployment = memberName(stack, service);
    return keptPin(namedIn(spec), pins.get(deployment)) ?? keptPin(namedIn(spec), pinOf(deployments.get(deployment)));
  };
  const unknown = new Map(members.filter((member) => kept(member) === undefined).map(({ spec }) => [keyOf(spec), namedIn(spec)]));
  const lookedUp = await atMost(IMAGES_LOOKED_UP_AT_ONCE, [...unknown.values()], (named) => resolveImage(named, context));
  const answers = new Map([...unknown.keys()].map((key, index) => [key, lookedUp[index]]));
  const done = await inPortions(members, context.clock, async (member): Promise<Member | Refusal> => {
    const { service, after, spec } = member;
    const { replicas, image: reference, files: contents, ...fields } = spec;
    const resolved = kept(member) ?? answers.get(keyOf(spec));
    if (resolved === undefined) throw new Error(`${reference} was not looked up`);
    if (isRefusal(resolved)) return resolved;
    const files = await sealFiles(contents, context, sealing);
    if (isRefusal(files)) return files;
    const template = PinnedTemplate.parse({ ...fields, ...files, image: resolved.image });
    return { service, deployment: memberName(stack, service), after, replicas, template, platforms: resolved.platforms };
  });
  return done.find((item) => isRefusal(item)) ?? done.filter((item): item is Member => !isRefusal(item));
}

function namedIn({ image, pull }: MemberSpec["spec"]): NamedImage {
  return { reference: image, pull };
}

function keyOf({ image, pull }: MemberSpec["spec"]): string {
  return `${pull ?? ""} ${image}`;
}

function compareOne(member: Member, before: Member | undefined, view: DeploymentView | undefined, isNamed: boolean): Compared {
  if (!isNamed) return { member, view, change: "stays", diff: [] };
  if (view === undefined || view.status === "deleting") return { member, view: undefined, change: "create", diff: newFields(member) };
  const waits = before === undefined ? [] : diff({ after: waitsOf(before.after) }, { after: waitsOf(member.after) });
  const status = view.status === "stopped" || view.status === "stopping" ? [{ path: "status", before: "stopped", after: "running" }] : [];
  const fields = [...status, ...waits, ...diff(presentFields(view), specFields(member.template, member.replicas))];
  if (fields.length === 0) return { member, view, change: "none", diff: [] };
  return { member, view, change: "change", diff: fields, replaces: replacedBy(view, member.template) };
}

/** Whoever is to be restarted with one whose containers are replaced is replaced as well. */
function withRestarts(compared: readonly Compared[]): readonly Compared[] {
  const isBegun = ({ path }: FieldChange): boolean => path === "status";
  const replaced = new Set(
    compared.flatMap(({ member, change, replaces, diff }) =>
      change === "create" || replaces !== undefined || diff.some(isBegun) ? [member.deployment] : [],
    ),
  );
  const causes = restartsOf(
    compared.map(({ member }) => member),
    (deployment) => replaced.has(deployment),
  );
  return compared.map((item) => {
    const cause = causes.get(item.member.deployment);
    if (cause === undefined) return item;
    const change = item.change === "change" ? item.change : "restart";
    const replicas = item.view === undefined ? 0 : runningReplicas(item.view);
    return { ...item, change, replaces: item.replaces ?? { replicas, because: `${cause} is replaced, and it is restarted after it` } };
  });
}

/** What somebody has said about it; what has its default is no news, except how many there will be. */
function newFields(member: Member): readonly FieldChange[] {
  const { replicas, template } = member;
  const usual = PinnedTemplate.parse({ image: template.image });
  const said = diff({ ...usual, image: undefined }, { after: waitsOf(member.after), ...specFields(template, replicas) });
  return said.map(({ path, after }) => ({ path, before: undefined, after }));
}

/** What a deployment is now, as a revision would say it. */
export function presentFields({ spec, image }: DeploymentView): Readonly<Record<string, unknown>> {
  const { replicas, image: _reference, ...template } = spec;
  return specFields({ ...template, image }, replicas);
}

/** The comparison, with where replicas would go. */
export async function planStack(input: StackInput, context: OperationContext): Promise<PlannedStack | Refusal> {
  const comparison = await compare(input, context, "look");
  if (isRefusal(comparison)) return comparison;
  const { members, change } = comparison;
  const [foreseen, known, traffic, clashes] = await Promise.all([
    foreseenFor(members, context),
    readKnownImages(context),
    ingressNodes(context),
    clashesOf(wantsOf(members), context, CLASHES_TIMEOUT_MS),
  ]);
  if (isRefusal(foreseen)) return foreseen;
  const given = new Map(input.members.map(({ service, spec: { files } }) => [service, files]));
  const planned = await inPortions(members, context.clock, async (item) => {
    const { service, deployment } = item.member;
    const present = item.change === "change" ? item.view?.spec.files : undefined;
    const folders = await folderChanges(given.get(service) ?? [], present ?? [], context.sealed);
    return plannedMember(item, foreseen.get(deployment), input.name, { known, traffic, clash: clashes.get(deployment), folders });
  });
  return { name: input.name, change, members: [...planned] };
}

function plannedMember(
  { member, view, change, diff, replaces }: Compared,
  foreseen: Foreseen | undefined,
  stack: string,
  now: {
    readonly known: FleetImages;
    readonly traffic: readonly string[];
    readonly clash: string | undefined;
    readonly folders: readonly string[];
  },
): PlannedMember {
  const { nodes = {}, pending = 0, rejections = [], leftOut = [] } = foreseen ?? {};
  const { image } = member.template;
  const images = plannedImages(image, Object.keys(nodes), now.known);
  return {
    service: member.service,
    deployment: member.deployment,
    change,
    diff: [...diff],
    joins: view !== undefined && view.stack !== stack && change !== "none",
    ...((change === "change" || change === "restart") && { replaces: replaces ?? NONE_REPLACED }),
    nodes: { ...nodes },
    pending,
    rejections: rejections.map(rejectionView),
    leftOut: leftOut.map(rejectionView),
    images: [...images],
    findings:
      change === "remove" || change === "stays"
        ? []
        : [
            ...(view === undefined || change === "none" ? [] : awaitedFindings(view, member.template)),
            ...now.folders,
            ...findingsOf(member, now.traffic, now.clash),
            ...missingImages(member.template, images, now.known),
          ],
  };
}

/** What the members that are named would be reached under. */
function wantsOf(members: readonly Compared[]): readonly Want[] {
  return members
    .filter(({ change }) => change === "create" || change === "change")
    .map(({ member: { deployment, template } }) => ({ deployment, frontends: frontendsOfTemplate(template) }));
}

function rejectionView(rejection: Rejection): z.infer<typeof RejectionView> {
  return { ...rejection, nodes: [...rejection.nodes] };
}
