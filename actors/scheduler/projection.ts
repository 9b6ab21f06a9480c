import type { RowChange } from "../../runtime/journal.ts";
import { nodesOf, type SchedulerState } from "./state.ts";

type Volumes = SchedulerState["volumes"];

/** Row kind `volume`, id = name. */
export function volumeRows(before: Volumes, after: Volumes): readonly RowChange[] {
  if (before === after) return [];
  const gone = Object.keys(before).filter((id) => !Object.hasOwn(after, id));
  const news = Object.entries(after).filter(([name, place]) => before[name] !== place);
  return [
    ...gone.map((id): RowChange => ({ change: "delete", kind: "volume", id })),
    ...news.map(([name, place]): RowChange => ({
      change: "put",
      kind: "volume",
      id: name,
      parent: "",
      body: { name, nodes: nodesOf(place) },
    })),
  ];
}
