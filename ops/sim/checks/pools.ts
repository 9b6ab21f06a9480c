import { frontendsOf, targetsOf } from "../../../actors/deployment/frontends.ts";
import { ClaimBook } from "../../../actors/ingress/claims.ts";
import { portId, routeId } from "../../../actors/ingress/commands.ts";
import { standingOf } from "../../../actors/ingress/hosts.ts";
import { templateOf } from "../../../actors/deployment/replica.ts";
import type { DeploymentState, PlacementRecord } from "../../../actors/deployment/state.ts";
import { LABEL } from "../../../agent/labels.ts";
import type { TenantStore } from "../../../storage/tenant-store.ts";
import type { SimNode } from "../sim-node.ts";
import type { Truth, TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";
import { isReliable } from "./observation.ts";

/** How the withdrawal of a replica went, as it is written. */
interface Leaving {
  readonly phase: "begun" | "released" | "given-up";
  /** Nodes that were lost since it began: nobody waited for them. */
  readonly lost: Set<string>;
}

/** Whoever is stopped by us has left the pools first, of every node that could be waited for. */
export class PoolsLeft implements TruthListener {
  readonly #truth: Truth;
  readonly #report: Report;
  readonly #leaving = new Map<string, Leaving>();

  constructor(truth: Truth, report: Report) {
    this.#truth = truth;
    this.#report = report;
  }

  deployment({ event }: Parameters<NonNullable<TruthListener["deployment"]>>[0]): void {
    if (event.type === "placements.withdrawal-requested")
      for (const placementId of event.placementIds)
        this.#leaving.set(placementId, {
          phase: "begun",
          lost: new Set([...this.#truth.nodes.values()].filter(isLost).map(({ name }) => name)),
        });
  }

  ingress(event: Parameters<NonNullable<TruthListener["ingress"]>>[0]): void {
    if (event.type !== "withdrawals.ended") return;
    for (const { placementId, left } of event.withdrawals) {
      const before = this.#leaving.get(placementId);
      if (before !== undefined) this.#leaving.set(placementId, { ...before, phase: left.length === 0 ? "released" : "given-up" });
    }
  }

  committed(): void {
    for (const node of this.#truth.nodes.values()) if (isLost(node)) for (const { lost } of this.#leaving.values()) lost.add(node.name);
  }

  /** The agent is about to stop a container. One that is lost with its node is stopped without asking: it was replaced long ago. */
  stopping(node: SimNode, containerId: string, nodes: readonly SimNode[]): void {
    const container = node.ours().find((other) => other.containerId === containerId);
    const placementId = container?.labels[LABEL.placement] ?? "";
    const record = this.#truth.deployments.get(container?.labels[LABEL.deployment] ?? "")?.placements[placementId];
    if (container?.state !== "running" || record?.desired !== "stopped" || record.enteredAtMs === undefined) return;
    const leaving = this.#leaving.get(placementId);
    if (leaving === undefined) this.#report(LEAVES_FIRST, `${node.name} stops ${placementId}, which never left the pools`);
    if (leaving?.phase !== "released") return;
    for (const other of nodes)
      if (!leaving.lost.has(other.name) && other.proxy.leadsTo(placementId))
        this.#report(LEAVES_FIRST, `${node.name} stops ${placementId}, and ${other.name} still leads to it`);
  }
}

const LEAVES_FIRST = "what we stop is in no pool";

function isLost({ connection }: { readonly connection: "joined" | "lost" }): boolean {
  return connection === "lost";
}

/** Once every message has arrived, a proxy that serves the newest table leads to nobody who is not healthy, or whose node is lost. */
export function checkPools(truth: Truth, nodes: readonly SimNode[], store: TenantStore, report: Report): void {
  if (store.pending(1).length > 0) return;
  const healthy = new Set(
    [...truth.deployments.values()].flatMap((state) => membersOf(truth, state).map(({ placementId }) => placementId)),
  );
  for (const node of nodes) {
    if (node.proxy.status.serving.number !== truth.ingress.number) continue;
    for (const placementId of node.proxy.placements())
      if (!healthy.has(placementId))
        report("pools hold healthy replicas only", `${node.name} leads to ${placementId}, which is not healthy or not there`);
  }
}

function membersOf({ nodes }: Truth, state: DeploymentState): readonly PlacementRecord[] {
  return Object.values(state.placements).filter(
    (record) =>
      targetsOf(state, record) !== undefined && record.stage.stage === "assigned" && nodes.get(record.stage.node)?.connection === "joined",
  );
}

/** At rest every pool of every node holds exactly the healthy replicas, and nobody waits to be let go. */
export function ofPools(truth: Truth, nodes: readonly SimNode[]): readonly string[] {
  const found = [
    ...Object.keys(truth.ingress.withdrawals).map((placementId) => `${placementId} is withdrawn and not answered`),
    ...Object.keys(truth.ingress.confirmations ?? {}).map((deployment) => `${deployment} waits for its change to be confirmed`),
  ];
  for (const state of truth.deployments.values()) {
    if (state.mode === "absent") continue;
    const members = membersOf(truth, state).filter((record) => isReliable(templateOf(state, record.contentOf)));
    for (const frontend of ownFrontends(truth, state)) {
      const wanted = members.filter((record) => targetsOf(state, record)?.some((target) => target.frontend === frontend));
      for (const node of nodes) found.push(...missing(node, `${state.name}/${frontend}`, wanted));
    }
  }
  return found;
}

/** Not what somebody else has: what a member of a stack wants, which is made long after it was asked for, may be taken by then. */
function ownFrontends({ ingress: { claims, hosts } }: Truth, state: DeploymentState): readonly string[] {
  const book = new ClaimBook(claims);
  const { ports, routes } = frontendsOf(state);
  const isOwn = (key: string): boolean => book.holder(state.name, key, "exclusive") === undefined;
  const granted = routes.filter(({ host }) => standingOf(hosts, host) !== "taken");
  return [...ports.map(portId), ...granted.map(routeId)].filter(isOwn);
}

function missing({ name, proxy }: SimNode, pool: string, wanted: readonly PlacementRecord[]): readonly string[] {
  const there = new Set(proxy.members(pool));
  return wanted
    .filter(({ placementId }) => !there.has(placementId))
    .map(({ placementId }) => `${name} does not lead to ${placementId} for ${pool}`);
}
