import type { ContainerView, DeploymentView, RolloutView } from "../../actors/views.ts";
import { ageText } from "../../runtime/age-text.ts";
import { clockTime } from "./figures.ts";
import type { ExitName } from "./exit-codes.ts";
import { type Output, plain } from "./output.ts";
import { cut } from "./table.ts";

/** How a wait ended. `gone`: the deployment was deleted and its replicas with it. */
export interface Waited {
  readonly name: string;
  readonly rollout: RolloutView;
  readonly deployment: DeploymentView | undefined;
  /** The replicas that failed while we looked, with their evidence, also when they have been replaced since. */
  readonly failed: readonly ContainerView[];
  readonly tookMs: number;
}

const MAX_FAILED_SHOWN = 3;
const MAX_LAST_LINES = 20;
/** A reason may name every node there is. */
const MAX_REASON_CHARACTERS = 300;

export function exitOfOutcome(outcome: RolloutView["outcome"]): ExitName {
  switch (outcome) {
    case "succeeded":
      return "ok";
    case "failed":
      return "rolloutFailed";
    case "rolled-back":
      return "rolledBack";
    case "superseded":
      return "superseded";
    case "in-progress":
      return "waitTimedOut";
  }
}

/** The last word of a wait, on stdout when it is good and on stderr when it is not. */
export function reportWaited(out: Output, waited: Waited): void {
  const { name, rollout, deployment } = waited;
  if (rollout.outcome === "succeeded") {
    out.line(out.paint("green", `${name}: ${success(waited)} (${ageText(waited.tookMs)})`));
    return;
  }
  const why = rollout.reason === undefined || rollout.reason === "" ? "" : `: ${plain(rollout.reason)}`;
  out.note(out.paint("red", `${name}: ${failure(rollout)}${why}`));
  for (const line of evidenceLines(name, waited.failed, why)) out.note(line);
  if (deployment !== undefined)
    out.note(
      `  Now: ${deployment.status}, revision ${deployment.revision}, ${deployment.healthyReplicas} of ${deployment.replicas} healthy.`,
    );
  out.note(`  Look closer with odysseus history ${name} and odysseus logs ${name} --since 10m.`);
}

function success({ rollout, deployment }: Waited): string {
  if (rollout.change === "delete" || deployment === undefined) return "deleted";
  if (rollout.change === "stop") return "stopped";
  if (deployment.status === "completed") return `revision ${rollout.revision} has completed: ${deployment.reason}`;
  const replicas = `${deployment.healthyReplicas} of ${deployment.replicas} ${deployment.replicas === 1 ? "replica" : "replicas"} healthy`;
  const without = rollout.reason === undefined ? "" : `; ${plain(rollout.reason)}`;
  return `revision ${rollout.revision} is running, ${replicas}${without}`;
}

function failure({ outcome, change, revision, id }: RolloutView): string {
  switch (outcome) {
    case "rolled-back":
      return `revision ${revision} failed and was rolled back`;
    case "superseded":
      return `rollout ${id} was superseded by a later change before it ended`;
    case "in-progress":
      return `still rolling out revision ${revision} when the time to wait was over`;
    case "failed":
    case "succeeded":
      return change === "update" || change === "create" ? `revision ${revision} failed` : `${change} failed`;
  }
}

/** Whether there is something to tell of why it does not run. */
export function hasEvidence({ failure, lastExit, phase }: ContainerView): boolean {
  return failure !== undefined || (lastExit !== undefined && lastExit.cause !== "requested") || phase === "pending";
}

/** Of the first replicas that failed, and how many more there are. `told` is not said again. */
export function evidenceLines(deployment: string, failed: readonly ContainerView[], told: string): readonly string[] {
  const left = failed.length - MAX_FAILED_SHOWN;
  return [
    ...failed.slice(0, MAX_FAILED_SHOWN).flatMap((item) => evidence(item, told)),
    ...(left > 0 ? [`  and ${left} more replicas: odysseus containers --deployment ${deployment}`] : []),
  ];
}

/** Exit code, cause, the last probe and the last lines: what a person would go and look for. `told` is not said again. */
function evidence(item: ContainerView, told: string): readonly string[] {
  const where = `  replica ${item.slot} on ${item.node ?? "no node"}`;
  const exit = item.lastExit;
  const ended = exit === undefined ? "" : ` ${endingText(exit, told)}`;
  const failure =
    item.failure === undefined || item.failure.message === exit?.message || isIn(told, item.failure.message)
      ? []
      : [`    ${plain(item.failure.message)}`];
  const probe = exit?.healthOutput === undefined || exit.healthOutput === "" ? [] : [`    last probe: ${plain(exit.healthOutput)}`];
  const lines = (exit?.lastLines ?? []).slice(-MAX_LAST_LINES).map((line) => `    | ${clockTime(line.atMs)} ${plain(line.text)}`);
  const rejections = item.rejections.flatMap(({ filter, reason, remedy }) => [
    `    ${filter}: ${cut(plain(reason), MAX_REASON_CHARACTERS)}`,
    `      ${plain(remedy)}`,
  ]);
  const unexplained = ended === "" && failure.length + rejections.length === 0 ? ` ${plain(item.reason || item.phase)}` : "";
  return [`${where}${ended}${unexplained}`, ...failure, ...probe, ...lines, ...rejections];
}

function endingText({ cause, exitCode, message }: NonNullable<ContainerView["lastExit"]>, told: string): string {
  const code = exitCode === undefined || message.includes("exit code") ? "" : ` with exit code ${exitCode}`;
  return `${cause}${code}${message === "" || isIn(told, message) ? "" : `: ${plain(message)}`}`;
}

function isIn(told: string, message: string): boolean {
  return message !== "" && told.includes(plain(message));
}
