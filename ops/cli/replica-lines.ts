import type { ContainerView } from "../../actors/views.ts";
import { ageText } from "../../runtime/age-text.ts";
import { type Colour, type Output, plain } from "./output.ts";
import { type Cell, type Column, cut, table } from "./table.ts";

type Phase = ContainerView["phase"];

const phaseColours: Readonly<Partial<Record<Phase, Colour>>> = {
  running: "green",
  "backing-off": "red",
  pending: "yellow",
  stopped: "dim",
  draining: "dim",
};

const columns: readonly Column[] = [
  { title: "SLOT", align: "right" },
  { title: "NODE", least: 8 },
  { title: "PHASE" },
  { title: "HEALTH" },
  { title: "REVISION", align: "right" },
  { title: "AGE", align: "right" },
  { title: "REASON", least: 12 },
];

/** One line per replica that is or should be there: slot, node, phase, reason, age. */
export function replicaTable(out: Output, containers: readonly ContainerView[], nowMs: number): readonly string[] {
  const rows = bySlot(containers).map((item): readonly (Cell | string)[] => [
    String(item.slot),
    item.node ?? "-",
    phaseCell(item),
    healthCell(item),
    String(item.revision),
    ageText(nowMs - item.sinceMs),
    whyOf(item, nowMs),
  ]);
  return table(out, columns, rows);
}

export function phaseCell(item: ContainerView): Cell {
  const colour = phaseColours[item.phase];
  return { text: item.phase, ...(colour !== undefined && { colour }) };
}

export function healthCell(item: ContainerView): Cell {
  switch (item.health) {
    case "healthy":
      return { text: "healthy", colour: "green" };
    case "unhealthy":
      return { text: "unhealthy", colour: "red" };
    case "proving":
    case "unknown":
      return { text: item.health, colour: "yellow" };
    case "none":
      return { text: "-" };
  }
}

/** Why it is in this phase, in a sentence: what failed, which filters rejected how many nodes and what would help, or its own reason. */
export function whyOf(item: ContainerView, nowMs: number): string {
  const retry =
    item.phase === "backing-off" && item.nextAttemptAtMs !== undefined ? `next attempt ${inTime(item.nextAttemptAtMs - nowMs)}` : "";
  const cause = item.rejections.length > 0 ? item.rejections.map(rejectionText).join(" ") : item.reason || (item.failure?.message ?? "");
  return plain([cause, retry].filter((part) => part !== "").join("; "));
}

/** A reason may name every node there is. */
const MAX_REASON_CHARACTERS = 200;

function rejectionText({ filter, reason, remedy }: ContainerView["rejections"][number]): string {
  return `${filter}: ${cut(reason, MAX_REASON_CHARACTERS).replace(/\.$/, "")}. ${remedy}`;
}

export function bySlot(containers: readonly ContainerView[]): readonly ContainerView[] {
  return containers.toSorted(
    (a, b) => a.deployment.localeCompare(b.deployment) || a.slot - b.slot || a.revision - b.revision || a.id.localeCompare(b.id),
  );
}

function inTime(ms: number): string {
  return ms <= 0 ? "now" : `in ${ageText(ms + 999)}`;
}
