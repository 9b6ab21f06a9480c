import type { ChangeView, ContainerView, DeploymentView, RolloutView } from "../../actors/views.ts";
import type { Api } from "./client.ts";
import { exitCodes } from "./exit-codes.ts";
import { bySlot } from "./replica-lines.ts";
import { openNews } from "./rollout-news.ts";
import { exitOfOutcome, hasEvidence, reportWaited, type Waited } from "./rollout-report.ts";
import { openShow, type Picture } from "./rollout-show.ts";
import { ask, askAll } from "./routes.ts";
import type { Session } from "./session.ts";
import { Stop } from "./stop.ts";

/** Pull progress and ages are not events: the picture is taken anew this often even when nothing is heard. */
export const REFRESH_MS = 1_000;
/** Without an answer for so long the wait is given up; a control plane that restarts takes a few seconds. */
const GIVE_UP_AFTER_MS = 60_000;

export interface WaitFor {
  readonly name: string;
  readonly rolloutId: number;
  readonly timeoutMs: number | undefined;
}

/** Follows one rollout to its end, showing each replica. The rollout goes on when this stops looking. */
export async function waitForRollout(session: Session, target: WaitFor): Promise<Waited> {
  const startedAtMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const leftMs = (): number => (target.timeoutMs ?? Number.POSITIVE_INFINITY) - elapsedMs();
  const failed = new Map<string, ContainerView>();
  const show = openShow(session, target.name);
  const news = openNews(session, target.name);
  let answeredAtMs = startedAtMs;
  try {
    for (;;) {
      const picture = await lookAgain(() => look(session.api(), target), performance.now() - answeredAtMs);
      if (picture !== undefined) {
        answeredAtMs = performance.now();
        for (const item of picture.containers) if (hasFailed(item, picture.rollout)) failed.set(item.id, item);
        show.draw(picture, elapsedMs());
        if (picture.rollout.outcome !== "in-progress" || leftMs() <= 0) {
          return {
            name: target.name,
            rollout: picture.rollout,
            deployment: picture.deployment,
            failed: bySlot([...failed.values()]),
            tookMs: elapsedMs(),
          };
        }
      }
      await news.next(Math.max(0, Math.min(REFRESH_MS, leftMs())));
    }
  } finally {
    news.close();
    show.end();
    if (session.signal.aborted) tellGoesOn(session, target.name, `odysseus containers --deployment ${target.name}`);
  }
}

/** Who ends a wait by Ctrl-C has ended nothing else. */
export function tellGoesOn({ out }: Session, name: string, command: string): void {
  if (!out.json) out.note(out.paint("dim", `${name}: no longer waited for; the rollout goes on. See ${command}.`));
}

/** Undefined: the control plane is away just now, which ends no rollout. */
export async function lookAgain<Seen>(look: () => Promise<Seen>, silentMs: number): Promise<Seen | undefined> {
  try {
    return await look();
  } catch (cause) {
    const isAway = cause instanceof Stop && (cause.exit === "unreachable" || cause.exit === "unavailable");
    if (isAway && silentMs < GIVE_UP_AFTER_MS) return undefined;
    throw cause;
  }
}

/** Says how it ended; anything but success ends the command with its code. */
export async function waitAndReport(session: Session, targets: readonly WaitFor[]): Promise<readonly Waited[]> {
  const all: Waited[] = [];
  for (const target of targets) {
    const waited = await waitForRollout(session, target);
    all.push(waited);
    if (!session.out.json) reportWaited(session.out, waited);
  }
  const worst = all.find((waited) => waited.rollout.outcome !== "succeeded");
  if (worst !== undefined) process.exitCode = exitCodes[exitOfOutcome(worst.rollout.outcome)];
  return all;
}

async function look(api: Api, { name, rolloutId }: WaitFor): Promise<Picture> {
  const [deployment, containers] = await Promise.all([
    ask<DeploymentView>(api, "deployments.get", { name }).catch(absent),
    askAll<ContainerView>(api, "containers.list", { query: { deployment: name } }),
  ]);
  const newest = deployment?.rollout;
  return { deployment, containers, rollout: newest?.id === rolloutId ? newest : await pastRollout(api, name, rolloutId, newest) };
}

/** The rollout asked for is not the newest, or the deployment is gone: its own line of the history says how it ended. */
async function pastRollout(api: Api, name: string, id: number, newest: RolloutView | undefined): Promise<RolloutView> {
  const changes = await askAll<ChangeView>(api, "deployments.history", { name, limit: 100 }).catch((cause: unknown) => absent(cause) ?? []);
  const own = changes.find((change) => change.rollout.id === id)?.rollout;
  if (newest !== undefined) return own ?? { ...newest, id, outcome: newest.id < id ? "in-progress" : "superseded" };
  if (own === undefined || own.change === "delete")
    return { id, change: "delete", revision: 0, startedAtMs: 0, ...own, outcome: "succeeded" };
  return own.outcome === "in-progress" ? { ...own, outcome: "superseded", reason: "the deployment was deleted" } : own;
}

export function absent(cause: unknown): undefined {
  if (cause instanceof Stop && cause.exit === "notFound") return undefined;
  throw cause;
}

/** Worth showing when the rollout fails. A rollback's replicas carry the number of the revision whose content they repeat, so only an update can be told apart. */
function hasFailed(item: ContainerView, { change, revision }: RolloutView): boolean {
  const isOther = (change === "update" || change === "create") && item.revision !== revision;
  return hasEvidence(item) && !isOther;
}
