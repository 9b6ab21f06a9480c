import { inBatches, MAX_MESSAGE_CHARS } from "../../runtime/message-batches.ts";
import type { PushOptions } from "../numbered-push.ts";
import type { Assignment, AssignmentChange, AssignmentPortion, Placement } from "./assignment-contract.ts";

/** How assignments are given: what changes, and whole to whoever lacks what it is a change of. */
export const assignmentGiving: PushOptions<Assignment> = {
  messages: assignmentMessages,
  supplements: (_names, assignment) => wholeMessages(assignment),
};

/** What is told to an agent that has `before`: what differs, or where that is as much as a message holds, or nobody knows what it has, the whole. */
export function assignmentMessages(wanted: Assignment, before: Assignment | undefined): readonly unknown[] {
  const change = before === undefined ? undefined : changeOf(before, wanted);
  return change === undefined || charsOfAll(change.placements) > MAX_MESSAGE_CHARS ? wholeMessages(wanted) : [change];
}

/** The whole assignment, in portions where one message cannot hold it. */
export function wholeMessages(assignment: Assignment): readonly (Assignment | AssignmentPortion)[] {
  const batches = inBatches(assignment.placements, charsOf);
  if (batches.length < 2) return [assignment];
  return batches.map((placements, index) => ({
    ...assignment,
    kind: "assignment-portion",
    portion: index + 1,
    portions: batches.length,
    placements: [...placements],
  }));
}

/** Placements are never written to, so one that is another object is another. */
function changeOf(before: Assignment, { kind: _kind, placements, ...head }: Assignment): AssignmentChange {
  const had = new Map(before.placements.map((placement) => [placement.placementId, placement]));
  const news: Placement[] = [];
  const stopped: string[] = [];
  for (const placement of placements) {
    const { placementId } = placement;
    const old = had.get(placementId);
    had.delete(placementId);
    if (old === placement) continue;
    if (old !== undefined && isOnlyStopped(old, placement)) stopped.push(placementId);
    else news.push(placement);
  }
  const base = { epoch: before.epoch, number: before.number };
  return { kind: "assignment-change", ...head, base, placements: news, stopped, removed: [...had.keys()] };
}

function isOnlyStopped(old: Placement, placement: Placement): boolean {
  return placement.desired === "stopped" && old.template === placement.template && old.revision === placement.revision;
}

function charsOf(placement: Placement): number {
  return JSON.stringify(placement).length;
}

function charsOfAll(placements: readonly Placement[]): number {
  return placements.reduce((chars, placement) => chars + charsOf(placement), 0);
}
