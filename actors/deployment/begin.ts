import { replacingFields } from "./carried.ts";
import type { ChangeKind, FieldChange, PinnedTemplate } from "./contract.ts";
import type { Draft } from "./draft.ts";
import { contentOf, holderOf, isActive, isSameReplica, replicasOf, templateOf } from "./replica.ts";
import type { Author, DeploymentState, Platform } from "./state.ts";

/** How a change begins: with a revision, unless it needs none, and always with a rollout. */

export interface Beginning extends Author {
  readonly change: ChangeKind;
  readonly diff: readonly FieldChange[];
  readonly cause?: string;
}

/** A revision of new content, and the rollout towards it. Where nothing differs that replicas carry, and none is asked for, it needs no others. */
export function beginContent(draft: Draft, template: PinnedTemplate, platforms: readonly Platform[], beginning: Beginning): void {
  const { state } = draft;
  const number = nextNumber(state);
  const present = beginning.change === "update" ? contentOf(state, state.revision) : undefined;
  const staysAs = present !== undefined && replacingFields(templateOf(state, present), template).length === 0 ? present : undefined;
  draft.add({
    type: "revision.created",
    number,
    contentOf: number,
    ...(staysAs !== undefined && { replicasOf: replicasOf(state, staysAs) }),
    template,
    platforms,
  });
  beginRollout(draft, { ...beginning, ...sparing(state, draft.state) });
}

/** A revision that repeats an older one's content, and the rollout towards it. */
export function beginRepeat(draft: Draft, content: number, beginning: Beginning): void {
  const { state } = draft;
  const source = holderOf(state, content);
  if (source === undefined) throw new Error(`${state.name}: content ${content} is not known`);
  const { contentOf: repeated, replicasOf: replicas, template, platforms } = source;
  const number = nextNumber(state);
  const same = replicas === undefined ? {} : { replicasOf: replicas };
  draft.add({ type: "revision.created", number, contentOf: repeated, ...same, template, platforms });
  beginRollout(draft, { ...beginning, ...sparing(state, draft.state) });
}

/** Towards the present revision. What was under way is superseded. */
export function beginRollout(draft: Draft, beginning: Beginning & { readonly spares?: true }): void {
  const { rollout, revision } = draft.state;
  if (rollout?.outcome === "in-progress")
    draft.add({ type: "rollout.ended", id: rollout.id, outcome: "superseded", reason: "a newer change took its place" });
  const { wholeDeadlineMs } = templateOf(draft.state, contentOf(draft.state, revision)).rollout;
  draft.add({ type: "rollout.started", revision, deadlineAtMs: draft.nowMs + wholeDeadlineMs, ...beginning });
}

function nextNumber({ revisions }: DeploymentState): number {
  return (revisions.at(-1)?.number ?? 0) + 1;
}

/** Replicas stay as they are where they have proved themselves to be what is wanted, and no others are still to be replaced by them. */
function sparing(before: DeploymentState, after: DeploymentState): { readonly spares?: true } {
  if (before.mode !== "running" || before.succeeded === 0) return {};
  const wanted = contentOf(after, after.revision);
  const isWanted = (content: number): boolean => isSameReplica(after, content, wanted);
  if (!isWanted(contentOf(after, before.succeeded))) return {};
  const isSettled = before.succeeded === before.revision;
  const active = Object.values(before.placements).filter(isActive);
  return isSettled || active.every(({ contentOf: content }) => isWanted(content)) ? { spares: true } : {};
}
