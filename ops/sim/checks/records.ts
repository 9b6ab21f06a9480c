import { isDeepStrictEqual } from "node:util";
import type { AnyActorDefinition } from "../../../runtime/actor.ts";
import { addressOf, partsOf, type Address } from "../../../runtime/address.ts";
import type { Meta } from "../../../runtime/journal.ts";
import { replay } from "../../../runtime/replay.ts";
import type { TenantStore } from "../../../storage/tenant-store.ts";
import { isUnchangedStack, type Wish } from "../ingredients.ts";
import type { Asked } from "../person.ts";
import { TENANT } from "../tenant.ts";
import type { Report } from "../violation.ts";

const NOBODY: Meta = { commandId: "none", principal: { kind: "system", id: "none", role: "system" }, via: "system", correlationId: "none" };

interface AuditRow {
  readonly operation: string;
  readonly resource: string;
  readonly outcome: string;
  readonly commandId: string;
}

/** Reads the whole audit and the whole journal: what people were told against what is written. */
export function checkAnswers(store: TenantStore, asked: readonly Asked[], report: Report): void {
  const audit = store.database
    .prepare<[], AuditRow>(
      "select operation, resource, outcome, meta ->> '$.commandId' as commandId from audit where meta ->> '$.principal.kind' = 'user'",
    )
    .all();
  const accepted = Map.groupBy(
    audit.filter(({ outcome }) => outcome === "accepted"),
    ({ commandId }) => commandId,
  );
  for (const { commandId, wish, answer } of asked) {
    // Beside what was asked for stands what came of it at once: rollouts that ended, a node that was drained.
    const entries = (accepted.get(commandId) ?? []).filter(({ operation }) => operation === wish.operation);
    if (entries.length > 1) report("a command acts once", `${commandId} has ${entries.length} audit entries: ${JSON.stringify(entries)}`);
    if (answer?.kind !== "ok" || isUnchangedStack(wish, answer)) continue;
    if (entries.length !== 1)
      report("acknowledged means journalled", `${commandId} (${wish.operation}) was acknowledged and has no audit entry`);
    const remembered = store.recall(addressIn(wish), commandId);
    if (!isDeepStrictEqual(remembered?.value, asJson(answer.value)))
      report(
        "acknowledged means journalled",
        `${commandId} was answered ${JSON.stringify(answer.value)}, remembered is ${JSON.stringify(remembered)}`,
      );
  }
  checkEvents(store, new Set(accepted.keys()), report);
}

function addressIn({ operation, input }: Wish): Address {
  const [kind = ""] = operation.split("s.", 1);
  return addressOf(TENANT, kind, String(input["name"]));
}

/** Every event a person caused has their audit entry, and one command's events stand together. */
function checkEvents(store: TenantStore, accepted: ReadonlySet<string>, report: Report): void {
  const sql =
    "select stream, version, meta ->> '$.commandId' as commandId from events where meta ->> '$.principal.kind' = 'user' order by offset";
  const last = new Map<string, number>();
  for (const { stream, version, commandId } of store.database
    .prepare<[], { stream: string; version: number; commandId: string }>(sql)
    .all()) {
    if (!accepted.has(commandId)) report("every decision has its audit entry", `${stream} ${version} by ${commandId}`);
    const before = last.get(`${stream} ${commandId}`);
    if (before !== undefined && before !== version - 1)
      report("a command acts once", `${commandId} wrote to ${stream} at ${before} and at ${version}`);
    last.set(`${stream} ${commandId}`, version);
  }
}

/** How a rollout ended is a decision of ours that people ask about: each has an entry of its own, in the order in which they ended. */
export function checkEndsAudited(store: TenantStore, report: Report): void {
  const ended = `select stream, data ->> '$.id' as id, data ->> '$.outcome' as outcome from events
    where type in ('rollout.ended', 'stack.rollout-ended') order by offset`;
  const told = `select resource as stream, after ->> '$.id' as id, substr(operation, length('rollout.') + 1) as outcome from audit
    where operation like 'rollout.%' order by number`;
  const listed = (sql: string): readonly string[] =>
    store.database
      .prepare<[], { stream: string; id: number; outcome: string }>(sql)
      .all()
      .map(({ stream, id, outcome }) => `${stream}: rollout ${id} ${outcome}`);
  const [wanted, entries] = [listed(ended), listed(told)];
  const at = wanted.findIndex((line, index) => line !== entries[index]);
  if (at !== -1 || entries.length > wanted.length)
    report(
      "every decision has its audit entry",
      `${wanted[at] ?? "nothing"}, where the audit has ${entries[at === -1 ? wanted.length : at] ?? "nothing"}`,
    );
}

/** Every rollout that began has ended, by itself or in favour of a newer one. */
export function checkRollouts(store: TenantStore, report: Report): void {
  const sql = `select stream, type, data ->> '$.id' as id from events
    where type in ('rollout.started', 'rollout.ended', 'stack.rollout-started', 'stack.rollout-ended') order by offset`;
  const open = new Map<string, number>();
  for (const { stream, type } of store.database.prepare<[], { stream: string; type: string }>(sql).all()) {
    open.set(stream, (open.get(stream) ?? 0) + (type.endsWith("started") ? 1 : -1));
    const count = open.get(stream) ?? 0;
    if (count < 0 || count > 1) report("every rollout ends once", `${stream} had ${count} rollouts under way`);
  }
  for (const [stream, count] of open) if (count !== 0) report("every rollout ends once", `${stream} has one that never ended`);
}

/** What actors believe, what the events make, and what the newest snapshot and the events after it make. */
export function checkReplays(
  store: TenantStore,
  definitions: ReadonlyMap<string, AnyActorDefinition>,
  live: ReadonlyMap<Address, unknown>,
  report: Report,
): void {
  for (const stream of store.streams()) {
    const decider = definitions.get(partsOf(stream).kind)?.decider;
    if (decider === undefined) continue;
    const fromStart = asJson(replay(decider, stream, store.load(stream, "start")).state);
    const fromSnapshot = asJson(replay(decider, stream, store.load(stream)).state);
    if (!isDeepStrictEqual(fromStart, fromSnapshot))
      report("a replay gives the live state", `${stream}: its snapshot and its events differ`);
    if (live.has(stream) && !isDeepStrictEqual(fromStart, asJson(live.get(stream))))
      report(
        "a replay gives the live state",
        `${stream}: ${JSON.stringify(live.get(stream))} lives, ${JSON.stringify(fromStart)} is written`,
      );
  }
}

/** What people are shown is what the actors are. */
export function checkReadModel(store: TenantStore, definitions: ReadonlyMap<string, AnyActorDefinition>, report: Report): void {
  const row = store.database.prepare<[string, string], { body: string }>("select body from rows where kind = ? and id = ?");
  for (const stream of store.streams()) {
    const { kind, name } = partsOf(stream);
    const decider = definitions.get(kind)?.decider;
    if (decider === undefined) continue;
    const { state } = replay(decider, stream, store.load(stream, "start"));
    for (const change of decider.project(decider.initial(stream), state, { address: stream, nowMs: 0, meta: NOBODY })) {
      // Lines of the history are written as things happen, by whoever does them.
      if (change.kind === "change" || change.kind === "stack-change") continue;
      const shown = row.get(change.kind, change.id);
      const wanted = change.change === "put" ? asJson(change.body) : undefined;
      const is = shown === undefined ? undefined : (JSON.parse(shown.body) as unknown);
      if (!isDeepStrictEqual(is, wanted))
        report("the read model is true", `${name}: ${change.kind} ${change.id} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`);
    }
  }
}

/** States are JSON values: a field that is undefined and one that is absent say the same. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
