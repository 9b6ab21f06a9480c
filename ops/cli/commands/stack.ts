import { fewOf } from "../../../actors/deployment/sentence.ts";
import type { StackReply } from "../../../actors/stack/commands.ts";
import type { MemberSummary, StackDetail, StackView } from "../../../actors/stack/views.ts";
import { ageText } from "../../../runtime/age-text.ts";
import { emptyLists } from "../empty-lists.ts";
import { plain } from "../output.ts";
import { ask, askAll } from "../routes.ts";
import { type Action, ifGeneration, isSet, naming, type Session, text, whole } from "../session.ts";
import { allMembers, isWell } from "../stack-members.ts";
import { reportStack, waitForStack } from "../stack-wait.ts";
import type { Column } from "../table.ts";
import { absent } from "../wait.ts";
import { type Waiting, waitingOf } from "./change.ts";
import { healthyText, show, statusColours } from "./lists.ts";

export const stacks: Action = async (session) => {
  const items = await askAll<StackView>(session.api(), "stacks.list", {});
  const nowMs = session.api().nowMs();
  const columns: readonly Column[] = [
    { title: "NAME" },
    { title: "STATUS" },
    { title: "REVISION", align: "right" },
    { title: "SERVICES", least: 12 },
    { title: "CHANGED", align: "right" },
    { title: "REASON", least: 12 },
  ];
  show(session, items, columns, emptyLists["stacks.list"], (item) => [
    item.name,
    { text: item.status, colour: statusColours[item.status] },
    String(item.revision),
    item.services.length < item.serviceCount ? `${item.serviceCount}: ${item.services.join(", ")}, ...` : item.services.join(", "),
    ageText(nowMs - item.changedAtMs),
    item.status === "running" ? "" : item.reason,
  ]);
};

/** Members told one by one, unless all are asked for. */
const TOLD_MEMBERS = 50;

export const showStack: Action = async (session, [name = ""], options) => {
  const { out } = session;
  if (out.json) {
    out.document(await naming(session, "stacks", name, () => ask<StackDetail>(session.api(), "stacks.get", { name })));
    return;
  }
  const { stack, members } = await naming(session, "stacks", name, () => allMembers(session.api(), name));
  out.line(out.paint("bold", `${stack.name}: ${stack.status}, revision ${stack.revision}: ${plain(stack.reason)}`));
  const told =
    isSet(options, "all") || members.length <= TOLD_MEMBERS ? members : members.filter((member) => !isWell(member)).slice(0, TOLD_MEMBERS);
  const columns: readonly Column[] = [
    { title: "SERVICE" },
    { title: "DEPLOYMENT" },
    { title: "STATUS" },
    { title: "HEALTHY", align: "right" },
    { title: "REVISION", align: "right" },
    { title: "IMAGE", least: 12 },
    { title: "DIFFERS IN", least: 12 },
  ];
  if (told.length > 0)
    show(session, told, columns, "", ({ service, deployment, now, drift }) => [
      service,
      deployment,
      now === undefined ? { text: "missing", colour: "red" } : { text: now.status, colour: statusColours[now.status] },
      now === undefined ? "-" : healthyText(now),
      now === undefined ? "-" : String(now.revision),
      now?.image ?? "-",
      drift.join(", "),
    ]);
  if (told.length < members.length) out.line(out.paint("dim", `${countsOf(members)}; --all shows each`));
};

/** `2000 members: 1990 running, 8 deploying, 2 missing`. */
function countsOf(members: readonly MemberSummary[]): string {
  const counts = Map.groupBy(members, ({ now }) => now?.status ?? "missing");
  const words = [...counts].toSorted(([, a], [, b]) => b.length - a.length).map(([status, of]) => `${of.length} ${status}`);
  return `${members.length} members: ${words.join(", ")}`;
}

export const rollbackStack: Action = async (session, [name = ""], options) => {
  const waiting = waitingOf(options);
  const to = whole(text(options, "to"), "--to");
  const written = await naming(session, "stacks", name, () =>
    ask<StackReply>(session.api(), "stacks.rollback", {
      name,
      body: { ...(to !== undefined && { to }) },
      ifGeneration: ifGeneration(options),
    }),
  );
  const target = to === undefined ? "the revision that succeeded before" : `revision ${to}`;
  await finishStack(session, waiting, written, `revision ${written.revision} is rolling out, with the members of ${target}`);
};

export const restartStack: Action = async (session, [name = "", ...services], options) => {
  const waiting = waitingOf(options);
  const written = await naming(session, "stacks", name, () =>
    ask<StackReply>(session.api(), "stacks.restart", { name, body: { services }, ifGeneration: ifGeneration(options) }),
  );
  const { members, leftAlone = [] } = written;
  const others = leftAlone.length === 0 ? "" : `; not restarted: ${fewOf(leftAlone.map(({ service, reason }) => `${service} ${reason}`))}`;
  await finishStack(session, waiting, written, `restarting ${fewOf(members.map(({ service }) => service))}${others}`);
};

export const removeStack: Action = async (session, [name = ""], options) => {
  const waiting = waitingOf(options);
  const written = await naming(session, "stacks", name, () =>
    ask<StackReply>(session.api(), "stacks.delete", { name, ifGeneration: ifGeneration(options) }),
  );
  await finishStack(session, waiting, written, "removing its members; then it is gone");
};

/** Says what was begun and, when waiting, how it ended. One JSON document either way. */
export async function finishStack(session: Session, { waits, timeoutMs }: Waiting, written: StackReply, words: string): Promise<void> {
  const { out } = session;
  if (!out.json) out.line(`${written.name}: ${plain(words)}`);
  if (!waits || written.rollout === undefined) {
    if (out.json) out.document(written);
    else if (written.rollout !== undefined) out.note(out.paint("dim", `Watch it with odysseus stack show ${written.name}, or add --wait.`));
    return;
  }
  const waited = await waitForStack(session, { name: written.name, rolloutId: written.rollout, timeoutMs });
  await reportStack(session, waited);
  if (!out.json) return;
  const { outcome, reason } = waited.rollout;
  const stack = await ask<StackDetail>(session.api(), "stacks.get", { name: written.name }).catch(absent);
  out.document({ ...written, outcome, reason, stack });
}
