import type { StackChangeView, StackDetail } from "../../actors/stack/views.ts";
import type { ContainerView, RolloutView } from "../../actors/views.ts";
import { ageText } from "../../runtime/age-text.ts";
import { exitCodes } from "./exit-codes.ts";
import { openLiveRegion } from "./live-region.ts";
import { plain } from "./output.ts";
import { openNews } from "./rollout-news.ts";
import { exitOfOutcome, reportWaited } from "./rollout-report.ts";
import { ask, askAll } from "./routes.ts";
import type { Session } from "./session.ts";
import { lookAgain, absent, REFRESH_MS, type WaitFor } from "./wait.ts";

/** How a wait for a stack ended. `stack` is undefined once it is deleted. */
export interface StackWaited {
  readonly name: string;
  readonly rollout: RolloutView;
  readonly stack: StackDetail | undefined;
  readonly tookMs: number;
}

/** Follows one rollout of a stack to its end, showing each member. The rollout goes on when this stops looking. */
export async function waitForStack(session: Session, target: WaitFor): Promise<StackWaited> {
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const leftMs = (): number => (target.timeoutMs ?? Number.POSITIVE_INFINITY) - elapsedMs();
  const draw = openStackShow(session, target.name);
  const news = openNews(session, undefined);
  let answeredAtMs = startedAtMs;
  try {
    for (;;) {
      const picture = await lookAgain(() => look(session, target), performance.now() - answeredAtMs);
      if (picture !== undefined) {
        answeredAtMs = performance.now();
        draw.show(picture.stack, elapsedMs());
        if (picture.rollout.outcome !== "in-progress" || leftMs() <= 0) return { name: target.name, ...picture, tookMs: elapsedMs() };
      }
      await news.next(Math.max(0, Math.min(REFRESH_MS, leftMs())));
    }
  } finally {
    news.close();
    draw.end();
  }
}

async function look(session: Session, { name, rolloutId }: WaitFor): Promise<Pick<StackWaited, "rollout" | "stack">> {
  const stack = await ask<StackDetail>(session.api(), "stacks.get", { name }).catch(absent);
  if (stack?.rollout.id === rolloutId) return { stack, rollout: stack.rollout };
  const changes = await askAll<StackChangeView>(session.api(), "stacks.history", { name, limit: 100 });
  const own = changes.find(({ rollout }) => rollout.id === rolloutId)?.rollout;
  return { stack, rollout: own ?? { id: rolloutId, change: "update", revision: 0, outcome: "superseded", startedAtMs: 0 } };
}

interface StackShow {
  readonly show: (stack: StackDetail | undefined, elapsedMs: number) => void;
  readonly end: () => void;
}

/** On a terminal a list redrawn in place; otherwise a line whenever a member is another than before; with --json nothing until the end. */
function openStackShow({ out }: Session, name: string): StackShow {
  if (out.json) return { show: () => undefined, end: () => undefined };
  const linesOf = (stack: StackDetail | undefined): readonly string[] => (stack?.members ?? []).map(memberLine);
  if (out.isTerminal) {
    const region = openLiveRegion(out);
    return {
      show: (stack, elapsedMs) =>
        region.draw([
          out.paint("bold", `${name}: ${stack?.status ?? "deleted"}, ${ageText(elapsedMs)}`),
          ...linesOf(stack).map((line) => `  ${line}`),
        ]),
      end: () => region.end(),
    };
  }
  let before: ReadonlySet<string> = new Set();
  return {
    show: (stack, elapsedMs) => {
      const lines = linesOf(stack);
      for (const line of lines) if (!before.has(line)) out.line(`${ageText(elapsedMs).padStart(4)}  ${line}`);
      before = new Set(lines);
    },
    end: () => undefined,
  };
}

function memberLine({ service, view }: StackDetail["members"][number]): string {
  if (view === undefined) return `${service}: not there`;
  return `${service}: ${view.status}, ${view.healthyReplicas} of ${view.replicas} healthy${view.status === "running" ? "" : ` (${plain(view.reason)})`}`;
}

/** Says how it ended, with the evidence of the members that failed; anything but success ends the command with its code. */
export async function reportStack(session: Session, { name, rollout, stack, tookMs }: StackWaited): Promise<void> {
  const { out } = session;
  process.exitCode = exitCodes[exitOfOutcome(rollout.outcome)];
  if (out.json) return;
  if (rollout.outcome === "succeeded") {
    const done = rollout.change === "restart" ? "restarted, " : "";
    const words = stack === undefined ? "deleted" : `${done}revision ${rollout.revision} is running, ${stack.members.length} members`;
    out.line(out.paint("green", `${name}: ${words} (${ageText(tookMs)})`));
    return;
  }
  const why = rollout.reason === undefined ? "" : `: ${plain(rollout.reason)}`;
  out.note(out.paint("red", `${name}: ${endingOf(rollout)}${why}`));
  for (const { deployment, view } of stack?.members ?? []) {
    if (view === undefined || !isFailed(view.rollout)) continue;
    const containers = await askAll<ContainerView>(session.api(), "containers.list", { query: { deployment } });
    const failed = containers.filter(({ failure, lastExit }) => failure !== undefined || lastExit !== undefined);
    reportWaited(out, { name: deployment, rollout: view.rollout, deployment: view, failed, tookMs });
  }
  out.note(`  Look closer with odysseus stack show ${name} and odysseus stack history ${name}.`);
}

function endingOf({ outcome, change, revision }: RolloutView): string {
  const what = change === "restart" || change === "delete" ? change : `revision ${revision}`;
  switch (outcome) {
    case "in-progress":
      return `${what} still under way when the time to wait was over`;
    case "superseded":
      return `${what} was superseded by a later change before it ended`;
    case "rolled-back":
      return `${what} failed and was rolled back`;
    case "failed":
    case "succeeded":
      return `${what} ${outcome}`;
  }
}

function isFailed({ outcome }: RolloutView): boolean {
  return outcome === "failed" || outcome === "rolled-back";
}
