import type { StackChangeView } from "../../../actors/stack/views.ts";
import type { ChangeView } from "../../../actors/views.ts";
import { ageText } from "../../../runtime/age-text.ts";
import type { Colour } from "../output.ts";
import { shown } from "../plan-lines.ts";
import { askAll } from "../routes.ts";
import { type Action, naming, type Options, type Session, text, whole } from "../session.ts";
import type { Cell, Column } from "../table.ts";
import { show } from "./lists.ts";

const USUAL_CHANGES = 50;

const columns: readonly Column[] = [
  { title: "REVISION", align: "right" },
  { title: "CHANGE" },
  { title: "RESULT" },
  { title: "BY", least: 8 },
  { title: "AGE", align: "right" },
  { title: "WHAT", least: 20 },
];

/** What the changes of a deployment and those of a stack have in common. */
type Change = Pick<ChangeView, "revision" | "contentOf" | "by" | "via" | "atMs" | "rollout"> & { readonly change: string };

export const history: Action = async (session, [name = ""], options) => {
  const query = { by: text(options, "by"), change: text(options, "change") };
  const items = await naming(session, "deployments", name, () =>
    askAll<ChangeView>(session.api(), "deployments.history", { name, query, limit: limitOf(options) }),
  );
  showChanges(session, items, fieldsChanged);
};

export const stackHistory: Action = async (session, [name = ""], options) => {
  const items = await naming(session, "stacks", name, () =>
    askAll<StackChangeView>(session.api(), "stacks.history", { name, limit: limitOf(options) }),
  );
  showChanges(session, items, membersChanged);
};

function limitOf(options: Options): number {
  return whole(text(options, "limit"), "--limit") ?? USUAL_CHANGES;
}

/** Newest first, with what was changed, and why it did not succeed or what there is to say of how it did. */
function showChanges<Item extends Change>(session: Session, items: readonly Item[], what: (item: Item) => readonly string[]): void {
  const nowMs = session.api().nowMs();
  show(session, items, columns, "Nothing in the history matches.", (item) => [
    item.contentOf === item.revision ? String(item.revision) : `${item.revision} (= ${item.contentOf})`,
    item.change,
    outcomeCell(item.rollout),
    `${item.by} via ${item.via}`,
    ageText(nowMs - item.atMs),
    [...what(item), ...reasonOf(item.rollout)].join("; "),
  ]);
}

/** A creation sets all fields, a new image has a new digest: --json has these too. */
function fieldsChanged({ change, diff }: ChangeView): readonly string[] {
  const fields = change === "create" ? diff.filter(({ path }) => path === "image.reference" || path === "replicas") : diff;
  const isNewImage = fields.some(({ path }) => path === "image.reference");
  const told = fields.filter(({ path }) => path !== "image.digest" || !isNewImage);
  return told.map(({ path, before, after }) =>
    change === "create" ? `${path} ${shown(after)}` : `${path} ${shown(before)} -> ${shown(after)}`,
  );
}

/** Of one change; --json has all. */
const TOLD_MEMBERS = 5;

function membersChanged({ members, links }: StackChangeView): readonly string[] {
  const told = members.slice(0, TOLD_MEMBERS).map(({ service, deployment, change, diff }) => {
    const revision = links[deployment] === undefined ? "" : ` (${deployment} revision ${links[deployment]})`;
    return change === "change" ? `${service}: ${diff.map(({ path }) => path).join(", ")}${revision}` : `${change} ${service}${revision}`;
  });
  return members.length > told.length ? [...told, `and ${members.length - told.length} more`] : told;
}

function reasonOf({ reason }: Change["rollout"]): readonly string[] {
  return reason === undefined ? [] : [reason];
}

function outcomeCell({ outcome }: Change["rollout"]): Cell {
  const colour: Colour =
    outcome === "succeeded" ? "green" : outcome === "in-progress" ? "yellow" : outcome === "superseded" ? "dim" : "red";
  return { text: outcome, colour };
}
