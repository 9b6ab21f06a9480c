import type { RowChange } from "../../runtime/journal.ts";
import type { SchedulerState } from "./state.ts";

type Volumes = SchedulerState["volumes"];

/** Row kind `volume`, id = name, parent = the node its data is on. */
export function volumeRows(before: Volumes, after: Volumes): readonly RowChange[] {
  if (before === after) return [];
  const gone = Object.keys(before).filter((id) => !Object.hasOwn(after, id));
  const news = Object.entries(after).filter(([name, node]) => before[name] !== node);
  return [
    ...gone.map((id): RowChange => ({ change: "delete", kind: "volume", id })),
    ...news.map(([name, node]): RowChange => ({ change: "put", kind: "volume", id: name, parent: node, body: { name, node } })),
  ];
}
