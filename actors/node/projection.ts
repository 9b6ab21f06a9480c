import type { RowChange } from "../../runtime/journal.ts";
import type { NodeRow } from "../views.ts";
import type { NodeState } from "./state.ts";

export function project(before: NodeState, after: NodeState): readonly RowChange[] {
  const { facts, name } = after;
  if (before === after) return [];
  if (facts === undefined) return before.facts === undefined ? [] : [{ change: "delete", kind: "node", id: name }];
  const body: NodeRow = {
    name,
    ...facts,
    availability: after.availability,
    connection: after.connection,
    connectionSinceMs: after.connectionSinceMs,
    engine: after.engine,
    assignment: after.assignment,
    placements: Object.values(after.placements).filter(({ desired }) => desired === "running").length,
  };
  return [{ change: "put", kind: "node", id: name, parent: "", body }];
}
