import type { PlacementStatus } from "../node/observed-contract.ts";
import type { PlacementRecord } from "./state.ts";

/** Whether an observation is newer than what is known and says something that is worth a journal entry: progress of a pull is not. */
export function isNews(record: PlacementRecord | undefined, status: PlacementStatus): boolean {
  if (record === undefined || record.stage.stage !== "assigned") return false;
  // Whatever is the first to be heard of it says that it is there.
  if (record.disconnectedSinceMs !== undefined) return true;
  const last = record.status;
  if (last === undefined) return status.current.phase !== "accepted" || status.failure !== undefined;
  if (status.sequence <= last.sequence) return false;
  return essence(last) !== essence(status);
}

function essence({ attempt, current, restarts, failure, lastExit }: PlacementStatus): string {
  const moment = current.phase === "pulling" ? { phase: current.phase } : current;
  // Why an attempt ended, and its last lines, become known a moment after its end.
  const exit = [lastExit?.attempt, lastExit?.cause, lastExit?.lastLines.length];
  return JSON.stringify([attempt, moment, restarts, failure?.code, failure?.message, ...exit]);
}
