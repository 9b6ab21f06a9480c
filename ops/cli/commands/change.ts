import type { DeploymentView } from "../../../actors/views.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../output.ts";
import { ask, type RouteName } from "../routes.ts";
import { type Action, ifGeneration, isSet, naming, type Options, type Session, text, whole } from "../session.ts";
import { usage } from "../stop.ts";
import { duration } from "../template-flags.ts";
import { type WaitFor, waitAndReport } from "../wait.ts";

/** Every write answers with it. `rollout` is absent when there is nothing to wait for. */
export interface Written {
  readonly name: string;
  readonly generation: number;
  readonly revision: number;
  readonly rollout?: number;
  readonly change: "created" | "changed" | "unchanged" | "deleting";
}

/** A write and what it is called in words. */
interface Done {
  readonly written: Written;
  readonly words: string;
}

/** `--wait` and `--timeout`, checked before anything is done. */
export interface Waiting {
  readonly waits: boolean;
  readonly timeoutMs: number | undefined;
}

export function waitingOf(options: Options): Waiting {
  const waits = isSet(options, "wait");
  const timeoutMs = duration(options, "timeout", "--timeout");
  if (timeoutMs !== undefined && !waits) throw usage("--timeout says how long to wait: give --wait too.");
  return { waits, timeoutMs };
}

export const scale: Action = async (session, [name = "", count], options) => {
  const replicas = whole(count, "REPLICAS") ?? 0;
  await change(
    session,
    "deployments.scale",
    name,
    options,
    { replicas },
    () => `scaling to ${replicas} ${replicas === 1 ? "replica" : "replicas"}`,
  );
};

export const restart: Action = async (session, [name = ""], options) =>
  change(session, "deployments.restart", name, options, {}, () => "replacing its replicas one after the other");

export const stop: Action = async (session, [name = ""], options) =>
  change(session, "deployments.stop", name, options, {}, () => "stopping its replicas");

export const start: Action = async (session, [name = ""], options) =>
  change(session, "deployments.start", name, options, {}, () => "starting its replicas");

export const rollback: Action = async (session, [name = ""], options) => {
  const to = whole(text(options, "to"), "--to");
  const target = to === undefined ? "the revision that succeeded before" : `revision ${to}`;
  const words = ({ revision }: Written): string => `revision ${revision} is rolling out, with the content of ${target}`;
  await change(session, "deployments.rollback", name, options, { ...(to !== undefined && { to }) }, words);
};

export const remove: Action = async (session, [name = ""], options) =>
  change(session, "deployments.delete", name, options, undefined, () => "stopping its replicas; then it is gone");

async function change(
  session: Session,
  operation: RouteName,
  name: string,
  options: Options,
  body: unknown,
  words: (written: Written) => string,
): Promise<void> {
  const waiting = waitingOf(options);
  const written = await naming(session, "deployments", name, () =>
    ask<Written>(session.api(), operation, { name, ...(body !== undefined && { body }), ifGeneration: ifGeneration(options) }),
  );
  const isSame = written.change === "unchanged" && written.rollout === undefined;
  await finish(session, waiting, [{ written, words: isSame ? "nothing to change, it is so already" : words(written) }]);
}

/** Says what was begun and, when waiting, how it ended. One JSON document either way. */
export async function finish(session: Session, { waits, timeoutMs }: Waiting, items: readonly Done[]): Promise<void> {
  const { out } = session;
  if (!out.json) for (const { written, words } of items) out.line(`${written.name}: ${plain(words)}`);
  const targets = items.flatMap(({ written }): readonly WaitFor[] =>
    written.rollout === undefined ? [] : [{ name: written.name, rolloutId: written.rollout, timeoutMs }],
  );
  const waited = waits ? await waitAndReport(session, targets) : [];
  if (waits)
    for (const { written } of items)
      if (written.change === "unchanged" && written.rollout === undefined) await checkState(session, written.name);
  if (out.json) {
    const documents = items.map(({ written }) => {
      const end = waited.find((item) => item.name === written.name);
      const { outcome, reason } = end?.rollout ?? {};
      return end === undefined ? written : { ...written, outcome, reason, deployment: end.deployment, failed: end.failed };
    });
    out.document(documents.length === 1 ? documents[0] : { items: documents });
  } else if (!waits && targets.length > 0) {
    out.note(out.paint("dim", `Watch it with odysseus containers --deployment ${targets[0]?.name ?? ""}, or add --wait.`));
  }
}

/** Nothing was changed, so there is no rollout to judge by: what is there must be well all the same before a wait may call it a success. */
async function checkState(session: Session, name: string): Promise<void> {
  const { status, reason } = await ask<DeploymentView>(session.api(), "deployments.get", { name });
  if (status === "running" || status === "stopped" || status === "completed") return;
  session.out.note(`${name}: ${status}${reason === "" ? "" : `: ${plain(reason)}`}`);
  process.exitCode = exitCodes.rolloutFailed;
}
