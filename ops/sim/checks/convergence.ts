import type { DeploymentState, PlacementRecord } from "../../../actors/deployment/state.ts";
import { isGlobal, wantedSlots } from "../../../actors/deployment/global.ts";
import { excessOf } from "../../../actors/deployment/slot-views.ts";
import { contentOf, hasEnded, isDisconnected, revisionOf, templateOf } from "../../../actors/deployment/replica.ts";
import { readinessOf } from "../../../actors/node/readiness.ts";
import type { NodeState } from "../../../actors/node/state.ts";
import { holds } from "../../../actors/scheduler/constraints.ts";
import type { NodeSoft, ToldImages } from "../../../actors/views.ts";
import { LABEL } from "../../../agent/labels.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { SimNode } from "../sim-node.ts";
import { TENANT } from "../tenant.ts";
import type { Truth } from "../truth.ts";
import type { SimWorld } from "../world.ts";
import { isReliable } from "./observation.ts";
import { ofPools } from "./pools.ts";
import { ofStacks } from "./stacks-at-rest.ts";

interface Assigned {
  readonly state: DeploymentState;
  readonly placement: PlacementRecord;
  readonly node: string;
}

/** Everything in which what is differs from what should be; empty once the world has come to rest. */
export function differences(world: SimWorld): readonly string[] {
  const { truth, stores, controlPlane } = world;
  if (controlPlane.life === undefined) return ["the control plane is down"];
  const found: string[] = [];
  const assigned = new Map<string, Assigned>();
  const pending = new Set<string>();
  for (const state of truth.deployments.values()) found.push(...ofDeployment(state, assigned, pending), ...ofGlobal(state, truth));
  found.push(
    ...ofScheduler(truth, assigned, pending),
    ...ofPools(truth, world.nodes),
    ...ofStacks(truth),
    ...world.hostNames.differences(),
  );
  for (const node of world.nodes) {
    const soft = controlPlane.life.host.soft(addressOf(TENANT, "node", node.name)) as NodeSoft | undefined;
    found.push(...ofNode(node, truth.nodes.get(node.name), assigned), ...ofImages(node, soft?.images));
  }
  // Asked last: these are the only questions to the databases.
  const waiting = found.length === 0 ? Object.values(stores).flatMap((store) => store.pending(1))[0] : undefined;
  if (waiting !== undefined) found.push(`a message to ${waiting.to} is not delivered: ${waiting.id}`);
  return found;
}

function ofDeployment(state: DeploymentState, assigned: Map<string, Assigned>, pending: Set<string>): readonly string[] {
  const found: string[] = [];
  const { name, mode, rollout } = state;
  if (rollout?.outcome === "in-progress") found.push(`${name}: rollout ${rollout.id} (${rollout.change}) is in progress`);
  const perSlot = new Map<number, number>();
  for (const placement of Object.values(state.placements)) {
    const { placementId, slot, stage, desired } = placement;
    if (isDisconnected(placement)) found.push(`${placementId} is not heard of`);
    if (desired !== "running") found.push(`${placementId} is to be stopped and is still there`);
    perSlot.set(slot, (perSlot.get(slot) ?? 0) + 1);
    if (stage.stage === "requested") found.push(`${placementId} waits for the scheduler's answer`);
    else if (stage.stage === "pending") pending.add(placementId);
    else assigned.set(placementId, { state, placement, node: stage.node });
  }
  if (mode !== "running") return perSlot.size === 0 ? found : [...found, `${name} is ${mode} and has replicas`];
  const wanted = wantedSlots(state);
  for (const placement of excessOf(state)) if (!standsIn(state, placement)) found.push(`${placement.placementId} is one too many`);
  for (const slot of wanted) {
    const count = perSlot.get(slot) ?? 0;
    const own = state.slots[slot];
    if (own !== undefined && hasEnded(own, contentOf(state, own.revision || state.revision)) && count === 0) continue;
    // Whose data is on a node that is drained stays there, and its successor waits until it may return.
    const isLeaving = Object.values(state.placements).some((placement) => placement.slot === slot && placement.evacuation !== undefined);
    const isExact = rollout?.outcome === "succeeded" && !isLeaving ? count === 1 : count > 0;
    if (!isExact) found.push(`${name}: slot ${slot} has ${count} replicas`);
  }
  return found;
}

/** What a deployment consisted of before a change from or to every node goes on serving in the stead of what that change, which failed, could not bring. */
function standsIn(state: DeploymentState, { contentOf: content }: PlacementRecord): boolean {
  const { mode } = templateOf(state, contentOf(state, state.revision));
  return state.rollout?.outcome === "failed" && templateOf(state, content).mode !== mode;
}

/** One that is global has one slot for every node that fits and takes replicas. A node that is cordoned keeps what it has. */
function ofGlobal(state: DeploymentState, { nodes }: Truth): readonly string[] {
  if (state.mode !== "running" || !isGlobal(state)) return [];
  const { constraints } = templateOf(state, contentOf(state, state.revision));
  const platforms = revisionOf(state, state.revision)?.platforms ?? [];
  const fitting = [...nodes.values()].flatMap((node) => {
    const seen = readinessOf(node);
    const isOfPlatform = platforms.length === 0 || platforms.some(({ os, arch }) => os === seen?.os && arch === seen.arch);
    return seen !== undefined && isOfPlatform && constraints.every((constraint) => holds(constraint, seen)) ? [seen] : [];
  });
  const has = wantedSlots(state).flatMap((slot) => state.slots[slot]?.node ?? []);
  const astray = Object.values(state.placements).filter(({ stage, slot }) => {
    const own = state.slots[slot]?.node;
    return own !== undefined && stage.stage === "assigned" && stage.node !== own;
  });
  const may = new Set(fitting.filter(({ readiness }) => readiness !== "draining").map(({ name }) => name));
  return [
    ...fitting.flatMap(({ name, readiness }) =>
      readiness === "ready" && !has.includes(name) ? [`${state.name}: ${name} has no slot`] : [],
    ),
    ...astray.map(({ placementId }) => `${placementId} is not on the node of its slot`),
    ...has.flatMap((name, index) =>
      may.has(name) && has.indexOf(name) === index ? [] : [`${state.name}: ${name} should not have a slot of its own`],
    ),
  ];
}

function ofScheduler({ scheduler }: Truth, assigned: ReadonlyMap<string, Assigned>, pending: ReadonlySet<string>): readonly string[] {
  const found: string[] = [];
  for (const { placementId, node } of scheduler.reservations) {
    if (assigned.get(placementId)?.node !== node)
      found.push(`${placementId}: ${node} is reserved for it, it is on ${assigned.get(placementId)?.node ?? "no node"}`);
  }
  const reserved = new Set(scheduler.reservations.map(({ placementId }) => placementId));
  for (const placementId of assigned.keys()) if (!reserved.has(placementId)) found.push(`${placementId} has no reservation`);
  const waiting = new Set(scheduler.pending.map(({ request }) => request.placementId));
  for (const placementId of onOneSide(waiting, pending)) found.push(`${placementId} is pending on one side only`);
  return found;
}

function ofNode(node: SimNode, state: NodeState | undefined, assigned: ReadonlyMap<string, Assigned>): readonly string[] {
  if (state === undefined) return [`${node.name} has not joined`];
  const found: string[] = [];
  const { name } = node;
  if (state.connection !== "joined" || state.engine !== "reachable")
    found.push(`${name} is ${state.connection}, its engine ${state.engine}`);
  const held = node.agent?.assigned;
  if (held?.number !== state.assignment) found.push(`${name}: its agent has assignment ${held?.number}, not ${state.assignment}`);
  const mine = [...assigned.values()].filter((item) => item.node === name);
  const wanted = new Set(mine.map(({ placement }) => placement.placementId));
  const given = new Set(
    Object.values(state.placements).flatMap(({ placementId, desired }) => (desired === "running" ? [placementId] : [])),
  );
  for (const placementId of onOneSide(wanted, given)) found.push(`${placementId} is in ${name}'s assignment or placed on it, not both`);
  if (Object.keys(state.placements).length !== given.size) found.push(`${name} has placements to stop`);
  for (const item of mine) found.push(...ofContainers(item, node));
  for (const { labels, name: container } of node.ours())
    if (!wanted.has(labels[LABEL.placement] ?? "")) found.push(`${name}: ${container} is an orphan`);
  return found;
}

function ofImages({ name, engine }: SimNode, known: ToldImages | undefined): readonly string[] {
  if (known === undefined) return [`${name}: its images are not known`];
  const [there, told] = [engine.imagesPresent(), known.told.images].map((images) => new Set(images.map(({ id }) => id)));
  return onOneSide(there ?? new Set(), told ?? new Set()).map((id) => `${name}: image ${id} is there or known to be there, not both`);
}

function ofContainers({ state, placement }: Assigned, node: SimNode): readonly string[] {
  const { placementId, contentOf, healthySinceMs } = placement;
  const template = templateOf(state, contentOf);
  const mine = node.ours().filter(({ labels }) => labels[LABEL.placement] === placementId);
  const wrong = mine
    .filter(({ name }) => node.digests.get(name) !== template.image.digest)
    .map(({ name }) => `${name} runs another image than ${placementId}`);
  if (!isReliable(template)) return mine.length > 1 ? [...wrong, `${placementId} has ${mine.length} containers`] : wrong;
  const [only] = mine;
  if (only === undefined || mine.length > 1 || only.state !== "running")
    return [...wrong, `${placementId} has ${mine.length} containers${only === undefined ? "" : ` (${only.state})`}`];
  return healthySinceMs === undefined ? [...wrong, `${placementId} is not known to be healthy`] : wrong;
}

function onOneSide(left: ReadonlySet<string>, right: ReadonlySet<string>): readonly string[] {
  return [...[...left].filter((item) => !right.has(item)), ...[...right].filter((item) => !left.has(item))];
}
