import { createHash } from "node:crypto";
import type { Commit, CommitResult, Journal } from "../../runtime/journal.ts";
import type { Trace } from "./trace.ts";

const DIGEST_CHARACTERS = 10;

/** The disk's side of a journal: says what was written, when it was. */
export function recordedJournal(inner: Journal, trace: Trace, written: (commit: Commit) => void): Journal {
  return {
    claim: (epoch) => inner.claim(epoch),
    load: (stream, from) => inner.load(stream, from),
    streams: () => inner.streams(),
    recall: (stream, commandId) => inner.recall(stream, commandId),
    pending: (limit) => inner.pending(limit),
    acknowledge: (ids) => inner.acknowledge(ids),
    close: () => inner.close(),
    commit: async (commit) => {
      const result = await inner.commit(commit);
      trace.add(lineOf(commit, result));
      if (result.kind === "committed") written(commit);
      return result;
    },
  };
}

function lineOf({ stream, epoch, events, audit, outbox, meta }: Commit, result: CommitResult): string {
  if (result.kind !== "committed") return `${stream} ${meta.commandId}: ${result.kind}`;
  const content = createHash("sha256")
    .update(JSON.stringify([events, outbox]))
    .digest("hex")
    .slice(0, DIGEST_CHARACTERS);
  const facts = [
    ...events.map(({ type, data }) => `${type}${detailOf(data)}`),
    ...audit.map(({ operation, outcome }) => `audit ${operation} ${outcome}`),
  ];
  return `${stream} ${result.version} e${epoch} ${meta.commandId}: ${facts.join(", ")} [${content}]`;
}

/** The ids an event is about. */
function detailOf(data: unknown): string {
  const event = data as Record<string, unknown>;
  const lists = ["placements", "reservations", "statuses", "pending"].flatMap((key) =>
    Array.isArray(event[key]) ? (event[key] as readonly object[]) : [],
  );
  const ids = Array.isArray(event["placementIds"]) ? (event["placementIds"] as readonly string[]) : [];
  const words = [
    ...lists.map(wordOf),
    ...ids,
    ...["deployment", "wants", "outcome", "change", "reason"].flatMap((key) => (typeof event[key] === "string" ? [event[key]] : [])),
  ];
  return words.length === 0 ? "" : `(${words.join(" ")})`;
}

function wordOf(item: object): string {
  const { placementId, node, current, request } = item as {
    placementId?: string;
    node?: string;
    current?: { phase: string; health?: string };
    request?: { placementId: string };
  };
  const state = current === undefined ? "" : `=${current.health ?? current.phase}`;
  return `${placementId ?? request?.placementId ?? ""}${node === undefined ? "" : `@${node}`}${state}`;
}
