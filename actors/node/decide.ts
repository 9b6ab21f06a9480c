import type { DecideContext, Decision, Outgoing } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import type { IngressCommand } from "../ingress/commands.ts";
import type { SchedulerCommand } from "../scheduler/contract.ts";
import type { Placement } from "./assignment-contract.ts";
import { type NodeFacts, UNKNOWN_ENGINE_VERSION } from "./observed-contract.ts";
import type { NodeCommand } from "./messages.ts";
import { ingressNodeOf, readinessOf } from "./readiness.ts";
import { nodeRefusals as refusals } from "./refusals.ts";
import { decideRemoval } from "./removal.ts";
import { evacuate, gone, lost, reports, stay } from "./reports.ts";
import { evolve, type NodeEvent, type NodeState } from "./state.ts";

export function decide(state: NodeState, command: NodeCommand, context: DecideContext): Decision<NodeEvent> {
  const { tenant } = partsOf(context.address);
  const accept = (events: readonly NodeEvent[], messages: readonly Outgoing[] = []): Decision<NodeEvent> =>
    conclude(tenant, state, events, messages, context);
  switch (command.kind) {
    case "join":
      return join(state, command, accept);
    case "report-engine":
      return accept(command.engine === state.engine ? [] : [{ type: "engine.reported", engine: command.engine }]);
    case "declare-lost":
      return state.connection === "lost"
        ? accept([])
        : accept(
            [{ type: "node.lost", reason: command.reason, decides: "deployments" }],
            reports(tenant, Object.values(state.placements), lost(state.name)),
          );
    case "assign":
      return assign(tenant, state, command.placements, accept);
    case "stop": {
      const placementIds = command.placementIds.filter((id) => state.placements[id]?.desired === "running");
      return accept(placementIds.length === 0 ? [] : [{ type: "placements.stop-requested", placementIds }]);
    }
    case "report-stopped":
      return reportStopped(tenant, state, command.statuses, accept);
    case "prefetch":
      return accept(
        state.prefetch.some(({ digest }) => digest === command.image.digest) ? [] : [{ type: "prefetch.requested", image: command.image }],
      );
    case "cordon":
    case "uncordon":
    case "drain":
      return decideForPerson(tenant, state, command.kind, context);
    case "remove":
      return decideRemoval(tenant, state);
    case "wake":
      return accept([]);
  }
}

type Accept = (events: readonly NodeEvent[], messages?: readonly Outgoing[]) => Decision<NodeEvent>;

/** An agent whose engine has said nothing yet knows nothing of the machine: what was known of it stays. */
function join(state: NodeState, { facts, engine }: Extract<NodeCommand, { kind: "join" }>, accept: Accept): Decision<NodeEvent> {
  const known =
    state.facts === undefined || facts.engineVersion !== UNKNOWN_ENGINE_VERSION ? facts : { ...facts, ...ofMachine(state.facts) };
  const isNews = state.connection === "lost" || state.engine !== engine || JSON.stringify(state.facts) !== JSON.stringify(known);
  return accept(isNews ? [{ type: "node.joined", facts: known, engine }] : []);
}

function ofMachine({ hostname, engineVersion, os, arch, cpuMillis, memoryBytes, diskBytes }: NodeFacts): Partial<NodeFacts> {
  return { hostname, engineVersion, os, arch, cpuMillis, memoryBytes, diskBytes };
}

function assign(tenant: string, state: NodeState, placements: readonly Placement[], accept: Accept): Decision<NodeEvent> {
  const added = placements.filter(({ placementId }) => !(placementId in state.placements));
  if (added.length === 0) return accept([]);
  if (state.connection === "lost") {
    const release: SchedulerCommand = { kind: "release", placementIds: added.map(({ placementId }) => placementId) };
    return accept(
      [{ type: "placements.refused", placementIds: release.placementIds }],
      [...reports(tenant, added, gone(state.name)), { to: addressOf(tenant, "scheduler"), message: release }],
    );
  }
  const leaving = state.availability === "draining" || state.availability === "drained" ? reports(tenant, added, evacuate(state.name)) : [];
  return accept([{ type: "placements.added", placements: added }], leaving);
}

function reportStopped(
  tenant: string,
  state: NodeState,
  statuses: Extract<NodeCommand, { kind: "report-stopped" }>["statuses"],
  accept: Accept,
): Decision<NodeEvent> {
  const ended = statuses.filter(({ placementId }) => state.placements[placementId]?.desired === "stopped");
  if (ended.length === 0) return accept([]);
  const placementIds = ended.map(({ placementId }) => placementId);
  const placements = placementIds.flatMap((id) => state.placements[id] ?? []);
  const toDeployments = reports(tenant, placements, (ids) => ({
    kind: "ended",
    node: state.name,
    placementIds: ids,
    statuses: ended.filter(({ placementId }) => ids.includes(placementId)),
  }));
  const release: SchedulerCommand = { kind: "release", placementIds };
  return accept(
    [{ type: "placements.removed", placementIds }],
    [{ to: addressOf(tenant, "scheduler"), message: release }, ...toDeployments],
  );
}

function decideForPerson(
  tenant: string,
  state: NodeState,
  kind: "cordon" | "uncordon" | "drain",
  context: DecideContext,
): Decision<NodeEvent> {
  const operation = `nodes.${kind}`;
  if (state.facts === undefined) return { kind: "refuse", refusal: refusals["node.not-found"]({ name: state.name }), audit: { operation } };
  const events = changeOf(kind, state);
  const messages = events.length === 0 ? [] : consequences(tenant, state, kind);
  const decision = conclude(tenant, state, events, messages, context);
  const after = events.reduce((next, event) => evolve(next, event, context.nowMs), state);
  if (decision.kind === "refuse") return decision;
  return {
    ...decision,
    reply: { name: state.name, availability: after.availability },
    audit: [
      { operation, before: { availability: state.availability }, after: { availability: after.availability } },
      ...(decision.audit ?? []),
    ],
  };
}

/** What the deployments with replicas here must hear. */
function consequences(tenant: string, state: NodeState, kind: "cordon" | "uncordon" | "drain"): readonly Outgoing[] {
  if (kind === "drain") return reports(tenant, running(state), evacuate(state.name));
  if (kind === "uncordon" && state.availability === "draining") return reports(tenant, running(state), stay(state.name));
  return [];
}

function changeOf(kind: "cordon" | "uncordon" | "drain", { availability }: NodeState): readonly NodeEvent[] {
  switch (kind) {
    case "cordon":
      return availability === "active" ? [{ type: "node.cordoned" }] : [];
    case "uncordon":
      return availability === "active" ? [] : [{ type: "node.uncordoned" }];
    case "drain":
      return availability === "draining" || availability === "drained" ? [] : [{ type: "node.drain-started" }];
  }
}

/** Adds what follows from the events: a drained node, and what the scheduler must hear. */
function conclude(
  tenant: string,
  state: NodeState,
  events: readonly NodeEvent[],
  messages: readonly Outgoing[],
  { nowMs }: DecideContext,
): Decision<NodeEvent> {
  let after = events.reduce((next, event) => evolve(next, event, nowMs), state);
  const all = [...events];
  if (after.availability === "draining" && Object.keys(after.placements).length === 0) {
    all.push({ type: "node.drained" });
    after = evolve(after, { type: "node.drained" }, nowMs);
  }
  const news = [...newsForScheduler(tenant, state, after), ...newsForIngress(tenant, state, after)];
  const notable = all.filter(
    ({ type }) => type === "node.lost" || (type === "node.joined" && state.connection === "lost") || type === "node.drained",
  );
  const before = { connection: state.connection };
  const audit = notable.map((event) => ({ operation: event.type, before, after: { connection: after.connection, ...event } }));
  return { kind: "accept", events: all, messages: [...news, ...messages], reply: null, audit };
}

function newsForScheduler(tenant: string, before: NodeState, after: NodeState): readonly Outgoing[] {
  const node = readinessOf(after);
  return node === undefined || JSON.stringify(readinessOf(before)) === JSON.stringify(node)
    ? []
    : [{ to: addressOf(tenant, "scheduler"), message: { kind: "node-changed", node } satisfies SchedulerCommand }];
}

function newsForIngress(tenant: string, before: NodeState, after: NodeState): readonly Outgoing[] {
  const node = ingressNodeOf(after);
  return node === undefined || JSON.stringify(ingressNodeOf(before)) === JSON.stringify(node)
    ? []
    : [{ to: addressOf(tenant, "ingress"), message: { kind: "node-changed", node } satisfies IngressCommand }];
}

function running(state: NodeState): readonly Placement[] {
  return Object.values(state.placements).filter(({ desired }) => desired === "running");
}
