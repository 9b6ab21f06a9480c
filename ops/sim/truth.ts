import type { DeploymentEvent } from "../../actors/deployment/events.ts";
import type { DeploymentState } from "../../actors/deployment/state.ts";
import { evolve as evolveDeployment } from "../../actors/deployment/evolve.ts";
import { initialState as newDeployment } from "../../actors/deployment/state.ts";
import { evolve as evolveIngress, noIngress, type IngressEvent, type IngressState } from "../../actors/ingress/state.ts";
import { evolve as evolveNode, initialState as newNode, type NodeEvent, type NodeState } from "../../actors/node/state.ts";
import { evolve as evolveScheduler, noNodes, type SchedulerEvent, type SchedulerState } from "../../actors/scheduler/state.ts";
import { evolve as evolveStack, initialState as newStack, type StackEvent, type StackState } from "../../actors/stack/state.ts";
import { partsOf } from "../../runtime/address.ts";
import type { Commit } from "../../runtime/journal.ts";

/** What the journal makes of one deployment, event by event. */
export interface DeploymentStep {
  readonly before: DeploymentState;
  readonly event: DeploymentEvent;
  readonly after: DeploymentState;
  readonly atMs: number;
}

export interface StackStep {
  readonly before: StackState;
  readonly event: StackEvent;
  readonly after: StackState;
  /** What was decided about. */
  readonly commandId: string;
}

export interface TruthListener {
  deployment?(step: DeploymentStep): void;
  stack?(step: StackStep): void;
  scheduler?(state: SchedulerState): void;
  ingress?(event: IngressEvent, state: IngressState): void;
  committed?(commit: Commit): void;
}

/** The states that are written, followed commit by commit: what every actor must believe. */
export class Truth {
  readonly deployments = new Map<string, DeploymentState>();
  readonly stacks = new Map<string, StackState>();
  readonly nodes = new Map<string, NodeState>();
  scheduler: SchedulerState = noNodes;
  ingress: IngressState = noIngress;
  readonly #listeners: TruthListener[] = [];

  listen(listener: TruthListener): void {
    this.#listeners.push(listener);
  }

  written(commit: Commit): void {
    const { kind, name } = partsOf(commit.stream);
    for (const { data } of commit.events) {
      if (kind === "deployment") this.#deployment(name, data as DeploymentEvent, commit.atMs);
      else if (kind === "stack") this.#stack(name, data as StackEvent, commit);
      else if (kind === "node") this.nodes.set(name, evolveNode(this.nodes.get(name) ?? newNode(name), data as NodeEvent, commit.atMs));
      else if (kind === "ingress") this.#ingress(data as IngressEvent, commit.atMs);
      else this.scheduler = evolveScheduler(this.scheduler, data as SchedulerEvent);
    }
    for (const listener of this.#listeners) {
      if (kind === "scheduler" && commit.events.length > 0) listener.scheduler?.(this.scheduler);
      listener.committed?.(commit);
    }
  }

  #stack(name: string, event: StackEvent, { atMs, meta }: Commit): void {
    const before = this.stacks.get(name) ?? newStack(name);
    const after = evolveStack(before, event, atMs);
    this.stacks.set(name, after);
    for (const listener of this.#listeners) listener.stack?.({ before, event, after, commandId: meta.commandId });
  }

  #ingress(event: IngressEvent, atMs: number): void {
    this.ingress = evolveIngress(this.ingress, event, atMs);
    for (const listener of this.#listeners) listener.ingress?.(event, this.ingress);
  }

  #deployment(name: string, event: DeploymentEvent, atMs: number): void {
    const before = this.deployments.get(name) ?? newDeployment(name);
    const after = evolveDeployment(before, event, atMs);
    this.deployments.set(name, after);
    for (const listener of this.#listeners) listener.deployment?.({ before, event, after, atMs });
  }
}
