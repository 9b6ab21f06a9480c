import type { Outgoing } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import { isRefusal, type Refusal } from "../../../runtime/refusal.ts";
import type { ChangeReply, DeploymentCommand, PersonCommand } from "../../../actors/deployment/commands.ts";
import { PinnedTemplate, type PinnedImage } from "../../../actors/deployment/contract.ts";
import { decide } from "../../../actors/deployment/decide.ts";
import { nextStepMs } from "../../../actors/deployment/next-step.ts";
import { isGlobal } from "../../../actors/deployment/global.ts";
import { evolve } from "../../../actors/deployment/evolve.ts";
import { initialState, type DeploymentState } from "../../../actors/deployment/state.ts";
import type { IngressCommand } from "../../../actors/ingress/commands.ts";
import { templateOf as templateIn } from "../../../actors/deployment/replica.ts";
import type { AttemptPhase, PlacementStatus } from "../../../actors/node/observed-contract.ts";
import type { FittingNode, Rejection, SchedulerCommand } from "../../../actors/scheduler/contract.ts";
import type { NodeCommand } from "../../../actors/node/messages.ts";

export const TENANT = "acme";

export function imageOf(tag: string): PinnedImage {
  const digit = (tag.codePointAt(tag.length - 1) ?? 0).toString(16).at(-1) ?? "0";
  return { reference: `app:${tag}`, digest: `sha256:${digit.repeat(64)}`, source: "registry" };
}

export function templateOf(tag: string, more: Readonly<Record<string, unknown>> = {}): PinnedTemplate {
  return PinnedTemplate.parse({ image: imageOf(tag), rollout: { minHealthyMs: 1_000 }, ...more });
}

/** A deployment's decider on a stage: plays the scheduler and the nodes by hand, on a clock of its own. */
export class Stage {
  state: DeploymentState = initialState("web");
  nowMs = 1_000_000;
  readonly sent: Outgoing[] = [];
  /** Operations, as the audit names them. */
  readonly audited: string[] = [];
  /** Nodes without room. */
  readonly full = new Set<string>();
  /** Why further nodes do not fit. */
  rejections: readonly Rejection[] = [];
  #fitting: readonly FittingNode[] = [];
  #listing = 0;
  #commands = 0;
  #sequences = new Map<string, number>();

  person(command: PersonCommand): ChangeReply | Refusal {
    return this.#decide(command) as ChangeReply | Refusal;
  }

  /** As `person`, for a command that must be accepted. */
  accepted(command: PersonCommand): ChangeReply {
    const reply = this.person(command);
    if (isRefusal(reply)) throw new Error(`refused: ${reply.message}`);
    return reply;
  }

  tell(command: DeploymentCommand): void {
    this.#decide(command);
  }

  /** Lets time pass, waking the deployment whenever it wants to be. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const next = nextStepMs(this.state, this.nowMs);
      if (next === undefined || next > end) break;
      this.nowMs = next;
      this.tell({ kind: "wake" });
    }
    this.nowMs = end;
  }

  /** Answers everything the deployment asked the scheduler for: on the slot's own node, or round robin over three nodes. */
  placeAll(): void {
    this.#list();
    const asked = Object.values(this.state.placements).filter(({ stage }) => stage.stage !== "assigned");
    const nodeOf = (slot: number): string => this.state.slots[slot]?.node ?? `n${(slot % 3) + 1}`;
    const able = asked.filter(({ slot }) => !this.full.has(nodeOf(slot)));
    if (able.length > 0)
      this.tell({ kind: "placed", placements: able.map(({ placementId, slot }) => ({ placementId, node: nodeOf(slot) })) });
    const unable = asked.filter(({ slot, stage }) => stage.stage === "requested" && this.full.has(nodeOf(slot)));
    const rejectionsOf = (slot: number): readonly Rejection[] => [
      { filter: "resources", nodes: [nodeOf(slot)], reason: `${nodeOf(slot)} lacks memory`, remedy: "Add memory." },
    ];
    const pended = unable.map(({ placementId, slot }) => ({ placementId, rejections: rejectionsOf(slot) }));
    if (pended.length > 0) this.tell({ kind: "pending", placements: pended });
  }

  /** The nodes are such, as the scheduler tells; a name alone is ready. */
  nodes(...nodes: readonly (string | FittingNode)[]): void {
    this.#fitting = nodes.map((node) => (typeof node === "string" ? { name: node, readiness: "ready", reason: "" } : node));
    this.#list();
  }

  /** Tells what it has not heard yet of its present revision. */
  #list(): void {
    const { nodes, revision } = this.state;
    if (!isGlobal(this.state) || (nodes?.revision === revision && nodes.nodes === this.#fitting)) return;
    this.#listing += 1;
    this.tell({ kind: "nodes-fit", revision, number: this.#listing, nodes: this.#fitting, rejections: this.rejections });
  }

  observe(placementId: string, current: AttemptPhase, more: Partial<PlacementStatus> = {}): void {
    this.tell({ kind: "observed", node: this.nodeOf(placementId), statuses: [this.status(placementId, current, more)] });
  }

  /** With an endpoint for every container port that something leads to, as its agent says it. */
  healthy(placementId: string): void {
    this.observe(placementId, { ...this.running(placementId), health: "healthy" });
  }

  unhealthy(placementId: string): void {
    this.observe(placementId, { ...this.running(placementId), health: "unhealthy" });
  }

  running(placementId: string): Extract<AttemptPhase, { phase: "running" }> {
    const { slot = 0, contentOf = 1 } = this.state.placements[placementId] ?? {};
    const { ports, routes } = templateIn(this.state, contentOf);
    const led = new Set([
      ...ports.flatMap(({ publishedPort, mode, containerPort }) =>
        publishedPort !== undefined && mode === "balanced" ? [containerPort] : [],
      ),
      ...routes.flatMap(({ containerPort }) => containerPort ?? ports[0]?.containerPort ?? []),
    ]);
    const endpoints = [...led].map((containerPort) => ({ containerPort, protocol: "tcp" as const, port: 28_200 + slot }));
    return {
      phase: "running",
      containerId: "c",
      startedAtMs: this.nowMs,
      health: "proving",
      healthSinceMs: this.nowMs,
      ...(endpoints.length === 0 ? {} : { endpoints }),
    };
  }

  /** As the ingress answers once nothing leads to it any more. */
  withdrawn(placementId: string): void {
    this.tell({ kind: "withdrawn", placements: [{ placementId, left: [] }] });
  }

  ended(placementId: string): void {
    this.tell({
      kind: "ended",
      node: this.nodeOf(placementId),
      placementIds: [placementId],
      statuses: [this.status(placementId, { phase: "stopped" })],
    });
  }

  status(placementId: string, current: AttemptPhase, more: Partial<PlacementStatus> = {}): PlacementStatus {
    const sequence = (this.#sequences.get(placementId) ?? 0) + 1;
    this.#sequences.set(placementId, sequence);
    return { placementId, deployment: "web", sequence, attempt: 1, current, restarts: 0, observedAtMs: this.nowMs, ...more };
  }

  /** As the ingress answers once it serves what the rollout changes, without those nodes. */
  served(...behind: readonly string[]): void {
    const { id = 0 } = this.state.rollout ?? {};
    this.tell({ kind: "served", rollout: id, behind });
  }

  /** Does all the world owes: places, starts healthily, serves, stops. One round. */
  obey(): void {
    this.placeAll();
    this.served();
    for (const { placementId, desired, healthySinceMs } of Object.values(this.state.placements)) {
      if (desired === "stopped") this.ended(placementId);
      else if (desired === "leaving") this.withdrawn(placementId);
      else if (healthySinceMs === undefined) this.healthy(placementId);
    }
  }

  /** Obeys and lets time pass until the rollout has ended. */
  finish(): void {
    for (let round = 0; round < 200 && this.state.rollout?.outcome === "in-progress"; round++) {
      this.obey();
      this.pass(1_000);
    }
    this.obey();
  }

  active(): readonly string[] {
    return Object.values(this.state.placements)
      .filter(({ desired }) => desired === "running")
      .map(({ placementId }) => placementId);
  }

  healthySlots(): number {
    return new Set(
      Object.values(this.state.placements)
        .filter(({ healthySinceMs, desired }) => healthySinceMs !== undefined && desired === "running")
        .map(({ slot }) => slot),
    ).size;
  }

  messages(): {
    readonly scheduler: readonly SchedulerCommand[];
    readonly nodes: readonly NodeCommand[];
    readonly ingress: readonly IngressCommand[];
  } {
    const ingress = this.sent.filter(({ to }) => to === addressOf(TENANT, "ingress")).map(({ message }) => message as IngressCommand);
    const scheduler = this.sent.filter(({ to }) => to === addressOf(TENANT, "scheduler")).map(({ message }) => message as SchedulerCommand);
    const nodes = this.sent.filter(({ to }) => to.startsWith(`${TENANT}/node/`)).map(({ message }) => message as NodeCommand);
    return { scheduler, nodes, ingress };
  }

  nodeOf(placementId: string): string {
    const stage = this.state.placements[placementId]?.stage;
    return stage?.stage === "assigned" ? stage.node : "n1";
  }

  #decide(command: DeploymentCommand): unknown {
    const decision = decide(this.state, command, {
      address: addressOf(TENANT, "deployment", "web"),
      nowMs: this.nowMs,
      meta: { commandId: `c${this.#commands++}`, principal: { kind: "user", id: "ada", role: "admin" }, via: "cli", correlationId: "x" },
    });
    if (decision.kind === "refuse") {
      if (decision.audit !== undefined) this.audited.push(decision.audit.operation);
      return decision.refusal;
    }
    this.audited.push(...(decision.audit ?? []).map(({ operation }) => operation));
    this.state = decision.events.reduce((state, event) => evolve(state, event, this.nowMs), this.state);
    this.sent.push(...decision.messages);
    return decision.reply;
  }
}

/** A deployment whose first rollout has succeeded. */
export function running(replicas = 3, more: Readonly<Record<string, unknown>> = {}): Stage {
  const stage = new Stage();
  stage.accepted({ kind: "create", template: templateOf("1", more), platforms: [], replicas });
  stage.finish();
  return stage;
}
