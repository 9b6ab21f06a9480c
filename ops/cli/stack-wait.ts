import type { MemberSummary, StackChangeView, StackRolloutView, StackView } from "../../actors/stack/views.ts";
import type { ContainerView, RolloutView } from "../../actors/views.ts";
import { ageText } from "../../runtime/age-text.ts";
import { exitCodes } from "./exit-codes.ts";
import { openLiveRegion } from "./live-region.ts";
import { plain } from "./output.ts";
import { openNews } from "./rollout-news.ts";
import { evidenceLines, exitOfOutcome, hasEvidence } from "./rollout-report.ts";
import { askAll } from "./routes.ts";
import type { Session } from "./session.ts";
import { firstMembers, isWell } from "./stack-members.ts";
import { absent, lookAgain, REFRESH_MS, tellGoesOn, type WaitFor } from "./wait.ts";

/** Of a stack with more members the wait tells how many are done, and of those that it is about. */
const TOLD_MEMBERS = 50;
/** How often a wait that is no terminal says how far many members are. */
const TELL_EVERY_MS = 5_000;

/** How a wait for a stack ended. `stack` is undefined once it is deleted. */
interface StackWaited {
  readonly name: string;
  readonly rollout: StackRolloutView;
  readonly stack: StackView | undefined;
  readonly tookMs: number;
}

/** What is seen of a stack at one moment. */
interface Picture {
  readonly rollout: StackRolloutView;
  readonly stack: StackView | undefined;
  /** All, or none where there are many. */
  readonly members: readonly MemberSummary[];
}

/** Follows one rollout of a stack to its end, showing each member. The rollout goes on when this stops looking. */
export async function waitForStack(session: Session, target: WaitFor): Promise<StackWaited> {
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const leftMs = (): number => (target.timeoutMs ?? Number.POSITIVE_INFINITY) - elapsedMs();
  const draw = openStackShow(session, target.name);
  const news = openNews(session, undefined);
  let answeredAtMs = startedAtMs;
  let isLarge = false;
  try {
    for (;;) {
      const picture = await lookAgain(() => look(session, target, isLarge), performance.now() - answeredAtMs);
      if (picture !== undefined) {
        answeredAtMs = performance.now();
        const { rollout, stack, members } = picture;
        isLarge = stack !== undefined && members.length === 0;
        draw.show(picture, elapsedMs());
        if (rollout.outcome !== "in-progress" || leftMs() <= 0) return { name: target.name, rollout, stack, tookMs: elapsedMs() };
      }
      await news.next(Math.max(0, Math.min(REFRESH_MS, leftMs())));
    }
  } finally {
    news.close();
    draw.end();
    if (session.signal.aborted) tellGoesOn(session, target.name, `odysseus stack show ${target.name}`);
  }
}

async function look(session: Session, { name, rolloutId }: WaitFor, isLarge: boolean): Promise<Picture> {
  const page = await firstMembers(session.api(), name, isLarge ? 1 : TOLD_MEMBERS).catch(absent);
  const members = page === undefined || typeof page.next === "string" ? [] : page.items;
  const stack = page?.stack;
  if (stack?.rollout.id === rolloutId) return { stack, members, rollout: stack.rollout };
  const changes = await askAll<StackChangeView>(session.api(), "stacks.history", { name, limit: 100 });
  const own = changes.find(({ rollout }) => rollout.id === rolloutId)?.rollout;
  return { stack, members, rollout: own ?? { id: rolloutId, change: "update", revision: 0, outcome: "superseded", startedAtMs: 0 } };
}

interface StackShow {
  readonly show: (picture: Picture, elapsedMs: number) => void;
  readonly end: () => void;
}

/** On a terminal a list redrawn in place; otherwise a line whenever a member is another than before; with --json nothing until the end. */
function openStackShow({ out }: Session, name: string): StackShow {
  if (out.json) return { show: () => undefined, end: () => undefined };
  if (out.isTerminal) {
    const region = openLiveRegion(out);
    return {
      show: ({ stack, members }, elapsedMs) =>
        region.draw([
          out.paint("bold", `${name}: ${stack?.status ?? "deleted"}, ${ageText(elapsedMs)}`),
          ...(stack === undefined ? [] : [`  ${plain(stack.reason)}`]),
          ...members.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b))).map((member) => `  ${memberLine(member)}`),
        ]),
      end: () => region.end(),
    };
  }
  // What is well already is no news.
  let before: ReadonlySet<string> | undefined;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    show: ({ stack, members }, elapsedMs) => {
      const isDue = members.length > 0 || elapsedMs - toldAtMs >= TELL_EVERY_MS;
      if (stack === undefined || !isDue) return;
      toldAtMs = elapsedMs;
      const lines = members.length > 0 ? members.map(memberLine) : [`${name}: ${plain(stack.reason)}`];
      before ??= new Set(members.filter(isWell).map(memberLine));
      for (const line of lines) if (!before.has(line)) out.line(`${ageText(elapsedMs).padStart(4)}  ${line}`);
      before = new Set(lines);
    },
    end: () => undefined,
  };
}

function memberLine({ service, now }: MemberSummary): string {
  if (now === undefined) return `${service}: not there`;
  if (now.status === "running") return `${service}: running, ${now.healthyReplicas} of ${now.replicas} healthy`;
  return `${service}: ${now.status} (${plain(now.reason)})`;
}

/** Says how it ended, with the evidence of the members that failed; anything but success ends the command with its code. */
export async function reportStack(session: Session, { name, rollout, stack, tookMs }: StackWaited): Promise<void> {
  const { out } = session;
  process.exitCode = exitCodes[exitOfOutcome(rollout.outcome)];
  if (out.json) return;
  if (rollout.outcome === "succeeded") {
    const done = rollout.change === "restart" ? "restarted, " : "";
    const members = stack?.serviceCount === 1 ? "1 member" : `${stack?.serviceCount ?? 0} members`;
    const words = stack === undefined ? "deleted" : `${done}revision ${rollout.revision} is running, ${members}`;
    out.line(out.paint("green", `${name}: ${words} (${ageText(tookMs)})`));
    return;
  }
  const why = rollout.reason === undefined ? "" : `: ${plain(rollout.reason)}`;
  out.note(out.paint("red", `${name}: ${endingOf(rollout)}${why}`));
  if (rollout.failedMember !== undefined) await reportMember(session, rollout.failedMember, rollout.startedAtMs, why);
  out.note(`  Look closer with odysseus stack show ${name} and odysseus stack history ${name}.`);
}

/** What became of the replicas of the member that failed, also where it has gone back since. */
async function reportMember({ api, out }: Session, deployment: string, startedAtMs: number, told: string): Promise<void> {
  const containers = await askAll<ContainerView>(api(), "containers.list", { query: { deployment } });
  const failed = containers.filter((item) => item.sinceMs >= startedAtMs && hasEvidence(item));
  for (const line of evidenceLines(deployment, failed, told)) out.note(line);
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
