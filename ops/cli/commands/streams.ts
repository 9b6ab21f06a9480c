import type { AuditView } from "../../../actors/audit/operations.ts";
import type { LogItem, LogItemLine } from "../../../actors/container/log-contract.ts";
import type { EventView } from "../../../actors/event/event-view.ts";
import { durationMs } from "../../../actors/manifest/quantities.ts";
import { eventWords } from "../event-words.ts";
import { clockTime } from "../figures.ts";
import { follow } from "../event-stream.ts";
import { type Colour, harmless, type Output, plain } from "../output.ts";
import { askAll, pathOf } from "../routes.ts";
import { type Action, isSet, naming, type Session, text, whole } from "../session.ts";
import { usage } from "../stop.ts";
import { cut, table } from "../table.ts";

/** Colours that tell replicas apart. */
const replicaColours: readonly Colour[] = ["cyan", "green", "yellow", "red", "bold"];

export const logs: Action = async (session, [name = ""], options) => {
  const isFollowing = isSet(options, "follow");
  const container = text(options, "container");
  const query = {
    ...(container === undefined ? { deployment: name } : { container }),
    follow: isFollowing,
    tail: whole(text(options, "tail"), "--tail"),
    sinceMs: sinceMs(text(options, "since"), session.api().nowMs()),
    streams: streamsOf(isSet(options, "stdout"), isSet(options, "stderr")),
  };
  await naming(session, "deployments", name, async () => {
    const stream = follow(session.api(), {
      path: pathOf("containers.logs"),
      query,
      signal: session.signal,
      ends: !isFollowing,
      onLost: () => lostNote(session),
    });
    for await (const { data } of stream) {
      const item = data as LogItem;
      showItem(session, item, isSet(options, "timestamps"));
      await session.out.drained();
      // A reader that asks again after the end would be told that there is no such deployment.
      if (item.kind === "end" && item.reason === "deleted") return;
    }
  });
};

function streamsOf(stdout: boolean, stderr: boolean): readonly string[] | undefined {
  if (stdout === stderr) return undefined;
  return [stdout ? "stdout" : "stderr"];
}

function showItem({ out }: Session, item: LogItem, withTime: boolean): void {
  if (out.json) {
    if (item.kind === "line" || item.kind === "notice") out.document(item, "line");
    return;
  }
  switch (item.kind) {
    case "line":
      out.line(lineText(out, item, withTime));
      return;
    case "notice":
      out.note(out.paint("yellow", plain(item.message)));
      return;
    case "opened":
      if (item.containers.length === 0) out.note("No replica is running yet.");
      return;
    case "end":
      if (item.reason === "deleted") out.note("The deployment was deleted.");
  }
}

function lineText(out: Output, line: LogItemLine, withTime: boolean): string {
  const colour = replicaColours[line.slot % replicaColours.length] ?? "cyan";
  const time = withTime ? `${out.paint("dim", new Date(line.atMs).toISOString())} ` : "";
  const kept = line.from === "kept" ? out.paint("dim", `(attempt ${line.attempt}, kept) `) : "";
  return `${out.paint(colour, `${line.deployment}.${line.slot}`)} ${time}${kept}${out.isTerminal ? harmless(line.text) : line.text}`;
}

function lostNote({ out }: Session): void {
  out.note(out.paint("yellow", "The connection to the control plane is lost; trying again."));
}

export const events: Action = async (session, _args, options) => {
  const query = { deployment: text(options, "deployment"), node: text(options, "node") };
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  if (!isSet(options, "follow")) {
    const items = await askAll<EventView>(session.api(), "events.list", {
      query,
      limit: whole(text(options, "limit"), "--limit") ?? 100,
    });
    if (session.out.json) session.out.document({ items });
    else if (items.length === 0)
      session.out.note(isFiltered ? "No events match." : "No events yet. odysseus events -f waits for the next ones.");
    else for (const item of items) sayEvent(session, item);
    return;
  }
  const stream = follow(session.api(), {
    path: pathOf("events.stream"),
    query,
    signal: session.signal,
    ends: false,
    onLost: () => lostNote(session),
  });
  for await (const { data } of stream) {
    const item = data as EventItem;
    if (item.kind === "event" && session.out.json) session.out.document(item.event, "line");
    else if (item.kind === "event") sayEvent(session, item.event);
    await session.out.drained();
  }
};

type EventItem = { readonly kind: "opened" } | { readonly kind: "event"; readonly event: EventView };

/** A line per event that says something to a person; --json has every event with all its data. */
function sayEvent({ out }: Session, event: EventView): void {
  const words = eventWords(event);
  if (words === undefined) return;
  const { atMs, kind, name, by, via } = event;
  const author = via === "system" ? "" : out.paint("dim", ` by ${plain(by)} via ${via}`);
  const about = [kind, name].filter((part) => part !== "").join(" ");
  out.line(`${out.paint("dim", clockTime(atMs))} ${out.paint("bold", plain(about))}: ${cut(plain(words), MAX_EVENT_CHARACTERS)}${author}`);
}

const MAX_EVENT_CHARACTERS = 300;

export const audit: Action = async (session, _args, options) => {
  const { out } = session;
  const limit = whole(text(options, "limit"), "--limit") ?? 50;
  const query = {
    operation: text(options, "operation"),
    resource: text(options, "resource"),
    sinceMs: sinceMs(text(options, "since"), session.api().nowMs()),
  };
  const items = await askAll<AuditView>(session.api(), "audit.list", { query, limit });
  if (out.json) out.document({ items });
  else if (items.length === 0) out.note("Nothing in the audit matches.");
  else {
    const columns = [
      { title: "NUMBER", align: "right" },
      { title: "WHEN" },
      { title: "WHO", least: 8 },
      { title: "OPERATION" },
      { title: "RESOURCE", least: 12 },
      { title: "OUTCOME" },
    ] as const;
    const rows = items.map((item) => [
      String(item.number),
      new Date(item.atMs).toISOString(),
      `${item.by} via ${item.via}`,
      item.operation,
      item.resource,
      item.outcome === "accepted" ? item.outcome : { text: `${item.outcome}: ${item.reason ?? ""}`, colour: "yellow" as const },
    ]);
    for (const line of table(out, columns, rows)) out.line(line);
  }
};

/** `5m` ago, or a point in time. Wall clock, ms. */
export function sinceMs(given: string | undefined, nowMs: number): number | undefined {
  if (given === undefined) return undefined;
  const ago = durationMs(given);
  const at = ago === undefined ? Date.parse(given) : nowMs - ago;
  if (Number.isNaN(at)) throw usage(`--since ${given}: write how long ago, like 5m or 1h30m, or a time like 2026-01-31T12:00:00Z.`);
  return Math.max(0, Math.round(at));
}
