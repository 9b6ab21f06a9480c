import type { DecideContext } from "../../runtime/actor.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { rollbackTarget } from "../rollback-target.ts";
import { beginContent, beginRepeat, beginRollout } from "./begin.ts";
import type { Draft } from "./draft.ts";
import { diff, specFields, merge } from "./change.ts";
import type { ChangeReply, PersonCommand, Wanted } from "./commands.ts";
import type { ChangeKind, FieldChange, PinnedTemplate } from "./contract.ts";
import { frontendProblems } from "./frontends.ts";
import { isGlobal } from "./global.ts";
import { modeProblems, REPLICAS_OF_A_GLOBAL } from "./mode-problems.ts";
import { deploymentRefusals as refusals } from "./refusals.ts";
import { contentOf, revisionOf, templateOf } from "./replica.ts";
import type { DeploymentState, Platform, Revision } from "./state.ts";

/** What a person may do to a deployment. Adds the events to the draft and answers, or refuses and adds nothing. */
export function change(draft: Draft, command: PersonCommand, context: DecideContext): ChangeReply | Refusal {
  const { state } = draft;
  const { name } = state;
  if (state.mode === "deleting" && command.kind !== "delete") return refusals["deployment.deleting"]({ name });
  if (state.mode === "absent")
    return command.kind === "create" || command.kind === "apply"
      ? create(draft, command, context)
      : refusals["deployment.not-found"]({ name });
  const { ifGeneration } = command;
  if (ifGeneration !== undefined && ifGeneration !== state.generation)
    return refusals["generation.mismatch"]({ name, expected: ifGeneration, actual: state.generation });
  switch (command.kind) {
    case "create":
      return refusals["deployment.exists"]({ name });
    case "apply":
      return apply(draft, command, context);
    case "update":
      return update(draft, command, context);
    case "scale":
      return isGlobal(state) ? refusals["deployment.global"]({ name }) : scale(draft, command.replicas, context);
    case "restart":
      return restart(draft, context);
    case "stop":
      return switchMode(draft, "stopped", "stop", context);
    case "start":
      return switchMode(draft, "running", "start", context);
    case "delete":
      return switchMode(draft, "deleting", "delete", context);
    case "rollback":
      return rollback(draft, command.to, context);
  }
}

export function create(draft: Draft, { template, platforms, replicas }: Wanted, context: DecideContext): ChangeReply | Refusal {
  const problems = problemsOf(template, replicas);
  if (problems.length > 0) return refusals["deployment.invalid"]({ name: draft.state.name, problems });
  draft.add({ type: "deployment.created", replicas });
  const changes = diff({}, specFields(template, replicas));
  beginContent(draft, template, platforms, { change: "create", diff: changes, ...authorOf(context) });
  return answer(draft, "created", changes);
}

/** The same file again changes nothing, even when a tag it names has moved: the pinned image stays until another is asked for. */
function apply(draft: Draft, { template, platforms, replicas }: Wanted, context: DecideContext): ChangeReply | Refusal {
  const before = currentTemplate(draft.state);
  const isSameImage = before.image.reference === template.image.reference;
  return become(draft, isSameImage ? { ...template, image: before.image } : template, platforms, replicas, context);
}

function update(
  draft: Draft,
  { patch, image, platforms, replicas }: Extract<PersonCommand, { kind: "update" }>,
  context: DecideContext,
): ChangeReply | Refusal {
  const merged = merge(currentTemplate(draft.state), patch, image);
  if (merged.kind === "invalid") return refusals["deployment.invalid"]({ name: draft.state.name, problems: merged.problems });
  const known = revisionOf(draft.state, draft.state.revision)?.platforms ?? [];
  const usual = merged.template.mode === "global" ? REPLICAS_OF_A_GLOBAL : draft.state.replicas;
  return become(draft, merged.template, platforms ?? known, replicas ?? usual, context);
}

function problemsOf(template: PinnedTemplate, replicas: number): readonly string[] {
  return [...frontendProblems(template), ...modeProblems(template, replicas)];
}

/** Makes the deployment what is wanted, by the least that does it: nothing, a scaling, or a new revision. */
export function become(
  draft: Draft,
  template: PinnedTemplate,
  platforms: readonly Platform[],
  replicas: number,
  context: DecideContext,
): ChangeReply | Refusal {
  const { state } = draft;
  const problems = problemsOf(template, replicas);
  if (problems.length > 0) return refusals["deployment.invalid"]({ name: state.name, problems });
  const changes = diff(specFields(currentTemplate(state), state.replicas), specFields(template, replicas));
  if (changes.length === 0) return answer(draft, "unchanged", []);
  if (changes.every(({ path }) => path === "replicas")) return scale(draft, replicas, context);
  recount(draft, template, replicas);
  beginContent(draft, template, platforms, { change: "update", diff: changes, ...authorOf(context) });
  return answer(draft, "changed", changes);
}

/** While it is global its last number is kept, so that whoever takes it back finds it as it was. */
export function recount(draft: Draft, { mode }: PinnedTemplate, replicas: number): void {
  if (mode !== "global" && replicas !== draft.state.replicas) draft.add({ type: "replicas.changed", replicas });
}

function authorOf({ meta }: DecideContext): { readonly by: string; readonly via: string } {
  return { by: meta.principal.id, via: meta.via };
}

/** A change that is on its way is carried on with the new number, under a new id. */
function scale(draft: Draft, replicas: number, context: DecideContext): ChangeReply {
  if (replicas === draft.state.replicas) return answer(draft, "unchanged", []);
  const changes: readonly FieldChange[] = [{ path: "replicas", before: draft.state.replicas, after: replicas }];
  const { rollout } = draft.state;
  draft.add({ type: "replicas.changed", replicas });
  const carriedOn = rollout?.outcome === "in-progress" ? rollout : undefined;
  beginRollout(draft, {
    change: carriedOn?.change ?? "scale",
    diff: changes,
    ...(carriedOn?.spares === true && { spares: true }),
    ...authorOf(context),
  });
  return answer(draft, "changed", changes);
}

export function restart(draft: Draft, context: DecideContext): ChangeReply | Refusal {
  if (draft.state.mode !== "running") return refusals["deployment.stopped"]({ name: draft.state.name });
  const { platforms = [] } = revisionOf(draft.state, draft.state.revision) ?? {};
  beginContent(draft, currentTemplate(draft.state), platforms, { change: "restart", diff: [], ...authorOf(context) });
  return answer(draft, "changed", []);
}

export function switchMode(draft: Draft, mode: "running" | "stopped" | "deleting", kind: ChangeKind, context: DecideContext): ChangeReply {
  if (draft.state.mode === mode) return answer(draft, mode === "deleting" ? "deleting" : "unchanged", []);
  draft.add({ type: "mode.changed", mode });
  beginRollout(draft, { change: kind, diff: [], ...authorOf(context) });
  return answer(draft, mode === "deleting" ? "deleting" : "changed", []);
}

function rollback(draft: Draft, to: number | undefined, context: DecideContext): ChangeReply | Refusal {
  const { name, revision, revisions, mode } = draft.state;
  if (mode !== "running") return refusals["deployment.stopped"]({ name });
  const present = contentOf(draft.state, revision);
  const target = rollbackTarget(revisions, present, to);
  if (target === undefined) {
    return to === undefined
      ? refusals["revision.none-earlier"]({ name, revision: present })
      : refusals["revision.not-found"]({ name, revision: to, known: revisions.map((old) => old.number) });
  }
  if (target.contentOf === present) return refusals["revision.current"]({ name, revision: target.number });
  return repeat(draft, target, context);
}

/** A new revision with the content of the target, and the rollout towards it. */
export function repeat(draft: Draft, target: Revision, context: DecideContext): ChangeReply {
  const changes = diff(currentTemplate(draft.state), target.template);
  beginRepeat(draft, target.contentOf, { change: "rollback", diff: changes, ...authorOf(context) });
  return answer(draft, "changed", changes);
}

function currentTemplate(state: DeploymentState): PinnedTemplate {
  return templateOf(state, contentOf(state, state.revision));
}

function answer({ state }: Draft, outcome: ChangeReply["change"], changes: readonly FieldChange[]): ChangeReply {
  const { name, generation, revision, rollout } = state;
  const waitFor = rollout?.outcome === "in-progress" ? { rollout: rollout.id } : {};
  return { name, generation, revision, change: outcome, ...waitFor, diff: changes };
}
