import type { Placement } from "../actors/node/assignment-contract.ts";
import type { PinnedImage } from "../actors/deployment/contract.ts";
import { afterEnd } from "../actors/deployment/lifecycle-contract.ts";
import { type DrainReason, type ExitCause, exitMessage, type KeptExit, type PlacementRecord } from "./agent-state.ts";
import { labelNumber } from "./desired-container.ts";
import type { ObservedContainer } from "./engine/port.ts";
import { networksText } from "./desired-networks.ts";
import { LABEL } from "./labels.ts";

/** A container of ours and what its end, if any, was accompanied by. */
export interface KnownContainer extends ObservedContainer {
  /** oom: the kernel killed in it. stopped: the engine was asked to stop it. lost: found ended after the engine had been away. */
  readonly hint: "none" | "oom" | "stopped" | "lost";
}

/** One placement as it is on this node. */
export interface Current {
  readonly record: PlacementRecord;
  /** All of this placement's containers, of any attempt. */
  readonly containers: readonly KnownContainer[];
  readonly image: "present" | "unknown";
  /** Whether missing containers went while the engine was away. */
  readonly absence: "removed" | "lost";
}

type AfterEnd = "again" | "never" | "succeeded" | "failed";

/** What should be done about one placement next. Data: `execute.ts` has one entry per kind. */
export type Step =
  | { readonly kind: "pull"; readonly image: PinnedImage }
  | { readonly kind: "create"; readonly attempt: number }
  | { readonly kind: "start"; readonly containerId: string }
  /** It runs already: it becomes the running attempt. */
  | { readonly kind: "adopt"; readonly containerId: string; readonly startedAtMs: number | undefined; readonly attempt: number }
  | { readonly kind: "unpause"; readonly containerId: string }
  /** Ends the running attempt. */
  | { readonly kind: "drain"; readonly containerId: string; readonly reason: DrainReason }
  /** A container that is nobody's running attempt any more. */
  | { readonly kind: "stop"; readonly containerId: string }
  /** The attempt is over: write down why and go on. */
  | {
      readonly kind: "end";
      readonly containerId: string | undefined;
      readonly cause: ExitCause;
      readonly exitCode: number | undefined;
      readonly message: string;
      /** succeeded, failed: its restart policy wants no other attempt. */
      readonly next: AfterEnd;
    }
  | { readonly kind: "collect"; readonly containerId: string }
  | { readonly kind: "remove"; readonly containerId: string }
  | { readonly kind: "settle" }
  | { readonly kind: "revive" }
  | { readonly kind: "forget" };

/** The steps that lead from what is to what should be; empty when they agree or the next event has to be waited for. `desired` is undefined once no assignment knows the placement. */
export function plan(current: Current, desired: Placement | undefined): readonly Step[] {
  if (desired === undefined) return planForgetting(current);
  return desired.desired === "stopped" ? planStopped(current) : planRunning(current, desired);
}

function planRunning(current: Current, desired: Placement): readonly Step[] {
  const { record } = current;
  const mine = containerOfAttempt(current);
  const strays = current.containers.filter((container) => container !== mine);
  const phase = record.current;
  switch (phase.phase) {
    case "accepted":
    case "pulling":
    case "starting":
      // A pull may take minutes: what is left of the last attempt is looked after first. All else comes before the tidying.
      if (mine === undefined && current.image === "unknown")
        return [...stopAlive(strays), ...tidy(current, strays), { kind: "pull", image: desired.template.image }];
      return [...stopAlive(strays), ...bringUp(record, desired, mine), ...tidy(current, strays)];
    case "running":
      return [...keepUp(current, desired, mine), ...stopAlive(strays), ...tidy(current, strays)];
    case "draining":
      return [...finishDrain(current, mine, "again"), ...tidy(current, strays)];
    case "backing-off":
    case "ended":
      return [...stopAlive(current.containers), ...tidy(current, current.containers)];
    case "stopped":
      return [{ kind: "revive" }];
    default:
      return phase satisfies never;
  }
}

function bringUp(record: PlacementRecord, desired: Placement, mine: KnownContainer | undefined): readonly Step[] {
  if (mine === undefined) return [{ kind: "create", attempt: record.attempt }];
  if (isAlive(mine) && isEdited(mine, desired)) return [drain(mine, "changed")];
  switch (mine.state) {
    case "created":
      return [{ kind: "start", containerId: mine.containerId }];
    case "paused":
      return [{ kind: "unpause", containerId: mine.containerId }];
    case "running":
      return [{ kind: "adopt", containerId: mine.containerId, startedAtMs: mine.startedAtMs, attempt: attemptOf(mine) }];
    case "exited":
    case "dead":
      return [endByItself(record, desired, mine)];
    case "restarting":
    case "removing":
      return [];
    default:
      return mine.state satisfies never;
  }
}

function keepUp(current: Current, desired: Placement, mine: KnownContainer | undefined): readonly Step[] {
  const phase = current.record.current;
  if (mine === undefined) return [gone(current, "again")];
  if (isOver(mine)) return [endByItself(current.record, desired, mine)];
  if (mine.state === "paused") return [{ kind: "unpause", containerId: mine.containerId }];
  if (isEdited(mine, desired)) return [drain(mine, "changed")];
  if (phase.phase === "running" && phase.health === "unhealthy") return [drain(mine, "unhealthy")];
  return [];
}

/** Until the container no longer runs; then the attempt is over for the reason the drain was begun. */
function finishDrain(current: Current, mine: KnownContainer | undefined, next: "again" | "never"): readonly Step[] {
  const reason = current.record.drainReason ?? "requested";
  if (mine === undefined || isRemovable(mine)) {
    const message = exitMessage(reason, mine?.exitCode);
    return [{ kind: "end", containerId: mine?.containerId, cause: reason, exitCode: mine?.exitCode, message, next }];
  }
  if (mine.state === "paused") return [{ kind: "unpause", containerId: mine.containerId }];
  return mine.state === "removing" ? [] : [drain(mine, reason)];
}

function planStopped(current: Current): readonly Step[] {
  const { record } = current;
  const mine = containerOfAttempt(current);
  const strays = current.containers.filter((container) => container !== mine);
  const phase = record.current;
  switch (phase.phase) {
    case "stopped":
      return [...stopAlive(current.containers), ...tidy(current, current.containers)];
    case "draining":
      return [...finishDrain(current, mine, "never"), ...stopAlive(strays), ...tidy(current, strays)];
    case "backing-off":
    case "ended":
    case "accepted":
    case "pulling":
    case "starting":
      if (mine !== undefined && isAlive(mine)) return [...finishDrain(current, mine, "never"), ...stopAlive(strays)];
      return [{ kind: "settle" }];
    case "running":
      if (mine === undefined) return [gone(current, "never")];
      if (isOver(mine)) return [end(mine, causeOf(mine), "never")];
      return [...finishDrain(current, mine, "never"), ...stopAlive(strays)];
    default:
      return phase satisfies never;
  }
}

function planForgetting(current: Current): readonly Step[] {
  if (current.containers.length === 0) return [{ kind: "forget" }];
  return [
    ...stopAlive(current.containers),
    ...current.containers.filter(isRemovable).map((container) => ({ kind: "remove", containerId: container.containerId }) as const),
  ];
}

function stopAlive(containers: readonly KnownContainer[]): readonly Step[] {
  return containers.filter(isAlive).map(({ state, containerId }) => ({ kind: state === "paused" ? "unpause" : "stop", containerId }));
}

/** Evidence first, then the container goes; one that ended later than its record shows has nothing to give. */
function tidy(current: Current, containers: readonly KnownContainer[]): readonly Step[] {
  const removable = containers.filter(isRemovable);
  const isOpen = (container: KnownContainer) => exitOf(current.record, container.containerId)?.evidence === "open";
  return [
    ...removable.filter(isOpen).map(({ containerId }) => ({ kind: "collect", containerId }) as const),
    ...removable.filter((container) => !isOpen(container)).map(({ containerId }) => ({ kind: "remove", containerId }) as const),
  ];
}

/** How the record says a container ended; a pause is no end. */
function exitOf(record: PlacementRecord, containerId: string): KeptExit | undefined {
  return record.exits.find((exit) => exit.containerId === containerId && exit.cause !== "paused");
}

function containerOfAttempt({ record, containers }: Current): KnownContainer | undefined {
  return containers.find((container) => attemptOf(container) === record.attempt && exitOf(record, container.containerId) === undefined);
}

export function attemptOf(container: Pick<ObservedContainer, "labels">): number {
  return labelNumber(container.labels, LABEL.attempt);
}

function drain(container: KnownContainer, reason: DrainReason): Step {
  return { kind: "drain", containerId: container.containerId, reason };
}

/** The restart policy is about ends of the process itself; what others did to the container is repaired whatever it says. */
const OWN_ENDS: ReadonlySet<ExitCause> = new Set(["exited", "killed", "oom"]);

function endByItself({ failuresInRow }: PlacementRecord, { template }: Placement, mine: KnownContainer): Step {
  const cause = causeOf(mine);
  return end(mine, cause, OWN_ENDS.has(cause) ? afterEnd(template, mine.exitCode, failuresInRow) : "again");
}

function end(container: KnownContainer, cause: ExitCause, next: AfterEnd): Step {
  return {
    kind: "end",
    containerId: container.containerId,
    cause,
    exitCode: container.exitCode,
    message: exitMessage(cause, container.exitCode),
    next,
  };
}

function gone(current: Current, next: "again" | "never"): Step {
  return {
    kind: "end",
    containerId: undefined,
    cause: current.absence,
    exitCode: undefined,
    message: exitMessage(current.absence, undefined),
    next,
  };
}

/** 128 + a signal's number is how an engine reports a death by signal; without an `oom` beside it the signal came from somebody else. */
function causeOf(container: KnownContainer): ExitCause {
  if (container.hint !== "none") return container.hint;
  return container.exitCode !== undefined && container.exitCode > 128 && container.exitCode < 160 ? "killed" : "exited";
}

function isEdited(container: KnownContainer, desired: Placement): boolean {
  if (labelNumber(container.labels, LABEL.revision) !== desired.revision) return true;
  const networks = container.labels[LABEL.networks];
  if (networks !== undefined && networks !== networksText(container.networks)) return true;
  const before = container.labels[LABEL.settings];
  return container.settings !== undefined && before !== undefined && container.settings !== before;
}

function isAlive(container: KnownContainer): boolean {
  return container.state === "running" || container.state === "paused" || container.state === "restarting";
}

function isOver(container: KnownContainer): boolean {
  return container.state === "exited" || container.state === "dead";
}

function isRemovable(container: KnownContainer): boolean {
  return isOver(container) || container.state === "created";
}
