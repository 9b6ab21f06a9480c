import type { ContainerView, DeploymentView, RolloutView } from "../../actors/views.ts";
import { ageText } from "../../runtime/age-text.ts";
import { openLiveRegion } from "./live-region.ts";
import { plain } from "./output.ts";
import { changesBetween } from "./replica-changes.ts";
import { replicaTable } from "./replica-lines.ts";
import type { Session } from "./session.ts";

/** What is seen of a rollout at one moment. `deployment` is undefined once it is deleted. */
export interface Picture {
  readonly deployment: DeploymentView | undefined;
  readonly containers: readonly ContainerView[];
  readonly rollout: RolloutView;
}

export interface Show {
  readonly draw: (picture: Picture, elapsedMs: number) => void;
  readonly end: () => void;
}

/** On a terminal a table redrawn in place; otherwise a line per change; with --json nothing until the end. */
export function openShow({ out, api }: Session, name: string): Show {
  if (out.json) return { draw: () => undefined, end: () => undefined };
  if (out.isTerminal) {
    const region = openLiveRegion(out);
    return {
      draw({ deployment, containers, rollout }, elapsedMs) {
        const head = `${name}: ${deployment?.status ?? "deleted"}, ${rollout.change} to revision ${rollout.revision}, ${ageText(elapsedMs)}`;
        const reason = plain(deployment?.reason ?? "");
        region.draw([
          out.paint("bold", head),
          ...(reason === "" ? [] : [`  ${reason}`]),
          ...pauseOf(rollout, api().nowMs()).map((words) => `  ${words}`),
          ...replicaTable(out, withoutPast(containers), api().nowMs()),
        ]);
      },
      end: () => region.end(),
    };
  }
  // What runs well already, or ended before, is no news.
  let before: readonly ContainerView[] | undefined;
  let beforeReason = "";
  let beforeBatchAtMs: number | undefined;
  return {
    draw({ deployment, containers, rollout }, elapsedMs) {
      // How it ended is the last word, which is not this one's.
      const reason = rollout.outcome === "in-progress" ? plain(deployment?.reason ?? "") : "";
      const said = reason === "" || reason === beforeReason ? [] : [`${name}: ${reason}`];
      const pause = rollout.nextBatchAtMs === beforeBatchAtMs ? [] : pauseOf(rollout, api().nowMs()).map((words) => `${name}: ${words}`);
      for (const line of [...said, ...pause, ...changesBetween(before ?? containers.filter(isNoNews), containers, api().nowMs())])
        out.line(`${ageText(elapsedMs).padStart(4)}  ${line}`);
      before = containers;
      beforeReason = reason;
      beforeBatchAtMs = rollout.nextBatchAtMs;
    },
    end: () => undefined,
  };
}

/** `next batch in 8s`; nothing when nothing waits. */
function pauseOf({ outcome, nextBatchAtMs = 0 }: RolloutView, nowMs: number): readonly string[] {
  return outcome === "in-progress" && nextBatchAtMs > nowMs ? [`next batch in ${ageText(nextBatchAtMs - nowMs)}`] : [];
}

function isNoNews({ phase, health }: ContainerView): boolean {
  return phase === "stopped" || (phase === "running" && (health === "healthy" || health === "none"));
}

/** A stopped replica that was followed by another in its slot is kept by the control plane for its evidence; it is not part of the picture. */
function withoutPast(containers: readonly ContainerView[]): readonly ContainerView[] {
  const taken = new Set(containers.filter((item) => item.phase !== "stopped").map((item) => item.slot));
  return containers.filter((item) => item.phase !== "stopped" || !taken.has(item.slot));
}
