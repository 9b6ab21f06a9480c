import type {
  PlacementRequest,
  Rejection,
  Requirements,
  SchedulerAnswer,
  SchedulerCommand,
  SchedulerNode,
} from "../../../actors/scheduler/contract.ts";
import { decide } from "../../../actors/scheduler/decide.ts";
import { evolve, noNodes, type SchedulerState } from "../../../actors/scheduler/state.ts";
import { addressOf } from "../../../runtime/address.ts";

export const MEBIBYTE = 1_048_576;

/** Beyond the numbers of placements that may go anywhere. */
const FIRST_PINNED = 1_000;

/** The scheduler on a stage: nodes and deployments are played by hand. */
export class Stage {
  state: SchedulerState = noNodes;
  readonly answers: SchedulerAnswer[] = [];
  #pinned = 0;

  tell(command: SchedulerCommand): void {
    const decision = decide(this.state, command, {
      address: addressOf("acme", "scheduler"),
      nowMs: 1,
      meta: { commandId: "c", principal: { kind: "system", id: "s", role: "system" }, via: "system", correlationId: "x" },
    });
    if (decision.kind === "refuse") throw new Error("the scheduler refuses nothing");
    this.state = decision.events.reduce(evolve, this.state);
    this.answers.push(...decision.messages.map(({ message }) => message as SchedulerAnswer));
  }

  node(name: string, more: Partial<SchedulerNode> = {}): void {
    const node: SchedulerNode = {
      name,
      readiness: "ready",
      reason: "",
      labels: {},
      os: "linux",
      arch: "amd64",
      hostname: name,
      cpuMillis: 4_000,
      memoryBytes: 1_024 * MEBIBYTE,
      ...more,
    };
    this.tell({ kind: "node-changed", node });
  }

  place(deployment: string, slots: number, more: Partial<Requirements> = {}, avoid: readonly string[] = [], beside?: number): void {
    const wanted = requirements(more);
    const first = this.state.reservations.length + this.state.pending.length + 1;
    const requests = Array.from({ length: slots }, (_, index): PlacementRequest => ({
      placementId: `${deployment}.${index + 1}.${first + index}`,
      slot: index + 1,
      requirements: wanted,
      avoid,
      ...(beside !== undefined && { beside }),
    }));
    this.tell({ kind: "place", deployment, requests });
  }

  /** Asks for a replica on this node alone; answers with its placement's id. */
  pin(deployment: string, node: string, more: Partial<Requirements> = {}, beside = 0, slot = 1): readonly string[] {
    this.#pinned += 1;
    const placementId = `${deployment}.${slot}.${FIRST_PINNED + this.#pinned}`;
    const request: PlacementRequest = { placementId, slot, requirements: requirements(more), avoid: [], node, beside };
    this.tell({ kind: "place", deployment, requests: [request] });
    return [placementId];
  }

  /** All lists of nodes that were told. */
  lists(): readonly Extract<SchedulerAnswer, { kind: "nodes-fit" }>[] {
    return this.answers.filter((answer) => answer.kind === "nodes-fit");
  }

  nodesOf(deployment: string): readonly string[] {
    return this.state.reservations
      .filter((reservation) => reservation.deployment === deployment)
      .map(({ node }) => node)
      .sort();
  }

  /** Those that were told to leave their node. */
  evacuated(): readonly SchedulerAnswer[] {
    return this.answers.filter(({ kind }) => kind === "evacuate");
  }

  rejections(): readonly Rejection[] {
    return this.state.pending[0]?.rejections ?? [];
  }
}

export function threeNodes(more: readonly Partial<SchedulerNode>[] = [{}, {}, {}]): Stage {
  const stage = new Stage();
  more.forEach((each, index) => stage.node(`n${index + 1}`, each));
  return stage;
}

/** Of a node: nothing, except what is said. */
export function requirements(more: Partial<Requirements> = {}): Requirements {
  return { cpuReservedMillis: 0, memoryReservedBytes: 0, hostPorts: [], constraints: [], platforms: [], ...more };
}
