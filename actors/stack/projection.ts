import type { DecideContext } from "../../runtime/actor.ts";
import type { RowChange } from "../../runtime/journal.ts";
import type { StackRevision, StackRollout, StackState } from "./state.ts";
import { statusOf } from "./status.ts";
import { revisionOf, targetAt, targetOf } from "./target.ts";
import {
  LISTED_SERVICES,
  memberId,
  revisionId,
  type StackChangeView,
  type StackMemberRow,
  type StackRevisionRow,
  type StackRolloutView,
  type StackView,
} from "./views.ts";

/** Rows of the read model that a decision changed. */
export function project(before: StackState, after: StackState, { meta }: DecideContext): readonly RowChange[] {
  if (before === after) return [];
  const rows: RowChange[] = [];
  if (after.mode === "absent") rows.push({ change: "delete", kind: "stack", id: after.name });
  else rows.push({ change: "put", kind: "stack", id: after.name, parent: "", body: stackView(after) });
  rows.push(...revisionRows(before, after), ...memberRows(before, after));
  const { rollout } = after;
  if (rollout === undefined || rollout === before.rollout) return rows;
  const old = before.rollout;
  if (old !== undefined && old.id !== rollout.id && old.outcome === "in-progress")
    rows.push(changeRow(after, followed(old, rollout, meta.principal.id)));
  rows.push(changeRow(after, rollout));
  return rows;
}

function stackView(state: StackState): StackView {
  const { name, generation, revision, rollout, createdAtMs, changedAtMs } = state;
  const { members } = targetOf(state);
  return {
    name,
    generation,
    ...statusOf(state),
    revision,
    services: members.slice(0, LISTED_SERVICES).map(({ service }) => service),
    serviceCount: members.length,
    rollout: rolloutView(rollout),
    createdAtMs,
    changedAtMs,
  };
}

function rolloutView(rollout: StackRollout | undefined): StackRolloutView {
  if (rollout === undefined) return { id: 0, change: "create", revision: 0, outcome: "in-progress", startedAtMs: 0 };
  const { id, change, revision, outcome, reason, startedAtMs, endedAtMs, deadlineAtMs, failedMember } = rollout;
  return {
    id,
    change,
    revision,
    outcome,
    startedAtMs,
    deadlineAtMs,
    ...(reason === undefined ? {} : { reason }),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    ...(failedMember === undefined ? {} : { failedMember }),
  };
}

/**
 * A revision is large: while its rollout is on its way, its row is not written with each link, but when it is made and when the rollout has ended. What
 * changes at any other time is rare.
 */
function revisionRows(before: StackState, after: StackState): readonly RowChange[] {
  const kept = new Set(after.revisions.map(({ number }) => number));
  const gone = before.revisions
    .filter(({ number }) => !kept.has(number))
    .map(({ number }): RowChange => ({ change: "delete", kind: "stack-revision", id: revisionId(after.name, number) }));
  const old = new Map(before.revisions.map((revision) => [revision.number, revision]));
  const [ended, onItsWay] = [before.rollout === after.rollout ? undefined : before.rollout?.revision, revisionOnItsWay(after)];
  const written = after.revisions.filter((revision) => {
    const { number } = revision;
    return !old.has(number) || number === ended || (number !== onItsWay && old.get(number) !== revision);
  });
  return [
    ...gone,
    ...written.map((revision): RowChange => ({
      change: "put",
      kind: "stack-revision",
      id: revisionId(after.name, revision.number),
      parent: after.name,
      body: revisionRow(after, revision),
    })),
  ];
}

/** Who is a member of the revision the stack is at, as far as that was another one before. */
function memberRows(before: StackState, after: StackState): readonly RowChange[] {
  const [was, is] = [before, after].map((state) => targetAt(state, revisionOf(state, state.revision)).members);
  if (was === undefined || is === undefined || was === is) return [];
  const { name } = after;
  const id = (deployment: string): string => memberId(name, deployment);
  const [known, kept] = [was, is].map((members) => new Map(members.map(({ deployment, service }) => [deployment, service])));
  const gone = was.filter(({ deployment }) => kept?.has(deployment) !== true);
  const news = is.filter(({ deployment, service }) => known?.get(deployment) !== service);
  return [
    ...gone.map(({ deployment }): RowChange => ({ change: "delete", kind: "stack-member", id: id(deployment) })),
    ...news.map(({ deployment, service }): RowChange => {
      const body: StackMemberRow = { service, deployment };
      return { change: "put", kind: "stack-member", id: id(deployment), parent: name, body };
    }),
  ];
}

function revisionOnItsWay({ rollout }: StackState): number | undefined {
  return rollout?.outcome === "in-progress" ? rollout.revision : undefined;
}

function revisionRow(state: StackState, revision: StackRevision): StackRevisionRow {
  const { number, contentOf, links, onFailure, atMs, provenAtMs } = revision;
  return {
    stack: state.name,
    number,
    contentOf,
    members: targetAt(state, revision).members.map(({ service, deployment, after, replicas, template: { image, ...template } }) => ({
      service,
      deployment,
      after: [...after],
      image,
      spec: { ...template, image: image.reference, replicas },
    })),
    links: { ...links },
    onFailure,
    atMs,
    ...(provenAtMs === undefined ? {} : { provenAtMs }),
  };
}

function changeRow(state: StackState, rollout: StackRollout): RowChange {
  const revision = revisionOf(state, rollout.revision);
  const body: StackChangeView = {
    stack: state.name,
    change: rollout.change,
    generation: rollout.id,
    revision: rollout.revision,
    contentOf: revision?.contentOf ?? rollout.revision,
    links: { ...revision?.links },
    by: rollout.author.principal.id,
    via: rollout.author.via,
    atMs: rollout.startedAtMs,
    members: rollout.members.map((member) => ({ ...member, diff: member.diff.map((line) => ({ ...line })) })),
    rollout: rolloutView(rollout),
  };
  return { change: "put", kind: "stack-change", id: revisionId(state.name, rollout.id), parent: state.name, body };
}

/** The state holds the newest rollout alone, so how its predecessor ended is read off what followed it. */
function followed(rollout: StackRollout, next: StackRollout, author: string): StackRollout {
  const { causedBy } = next;
  return next.change === "automatic-rollback"
    ? {
        ...rollout,
        outcome: "rolled-back",
        reason: next.cause,
        endedAtMs: next.startedAtMs,
        ...(causedBy !== undefined && { failedMember: causedBy }),
      }
    : { ...rollout, outcome: "superseded", reason: `a newer change by ${author} took its place`, endedAtMs: next.startedAtMs };
}
