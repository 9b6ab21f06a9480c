import type { AnyActorDefinition, DecideContext, Decider, Outgoing } from "../../../runtime/actor.ts";
import { addressOf, partsOf, type Address } from "../../../runtime/address.ts";
import { isRefusal, type Refusal } from "../../../runtime/refusal.ts";
import { deploymentActor } from "../../../actors/deployment/actor.ts";
import type { DeploymentCommand } from "../../../actors/deployment/commands.ts";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { PlacementStatus } from "../../../actors/node/observed-contract.ts";
import type { SchedulerCommand } from "../../../actors/scheduler/contract.ts";
import type { Want } from "../../../actors/ingress/commands.ts";
import { stackActor } from "../../../actors/stack/actor.ts";
import type { Member, StackPersonCommand, StackReply } from "../../../actors/stack/commands.ts";
import type { Dependency } from "../../../actors/stack/contract.ts";
import { memberName } from "../../../actors/stack/names.ts";
import type { StackState } from "../../../actors/stack/state.ts";
import { imageOf } from "../deployment/stage.ts";

const TENANT = "acme";
const STACK = "shop";

/** A member of the stack shop, healthy after one second unless its tag is `bad`. */
export function member(
  service: string,
  tag: string,
  after: readonly Dependency[] = [],
  more: Readonly<Record<string, unknown>> = {},
): Member {
  const template = PinnedTemplate.parse({ image: imageOf(tag), rollout: { minHealthyMs: 1_000 }, ...more });
  return { service, deployment: memberName(STACK, service), template, platforms: [], replicas: 1, after };
}

/** The stack's decider and those of its members, talking to each other; scheduler and nodes are played by hand, on a clock of its own. */
export class StackStage {
  nowMs = 1_000_000;
  /** Deployments in the order in which they first asked for a replica of some content: `shop-web@2`. */
  readonly begun: string[] = [];
  /** What the ingress was told to keep for the members, message by message. */
  readonly kept: (readonly Want[])[] = [];
  /** Of the read model, by `kind id`. */
  readonly rows = new Map<string, unknown>();
  /** Messages between the actors that are not delivered yet. */
  readonly mail: { readonly to: Address; readonly message: unknown; readonly from: Address }[] = [];
  readonly #states = new Map<Address, unknown>();
  #commands = 0;
  #sequence = 0;

  get stack(): StackState {
    return this.#stateOf(addressOf(TENANT, "stack", STACK)) as StackState;
  }

  deployment(name: string): DeploymentState {
    return this.#stateOf(addressOf(TENANT, "deployment", name)) as DeploymentState;
  }

  /** Those that exist. */
  deployments(): readonly string[] {
    return [...this.#states]
      .filter(([address, state]) => partsOf(address).kind === "deployment" && (state as DeploymentState).mode !== "absent")
      .map(([address]) => partsOf(address).name)
      .toSorted();
  }

  person(command: StackPersonCommand): StackReply | Refusal {
    return this.#decide(addressOf(TENANT, "stack", STACK), command, "ada") as StackReply | Refusal;
  }

  accepted(command: StackPersonCommand): StackReply {
    const reply = this.person(command);
    if (isRefusal(reply)) throw new Error(`refused: ${reply.message}`);
    return reply;
  }

  /** What the members would want of the ingress. */
  preview(command: StackPersonCommand): readonly Want[] {
    return this.#decide(addressOf(TENANT, "stack", STACK), { kind: "preview", command }, "ada") as readonly Want[];
  }

  apply(members: readonly Member[], more: { readonly prune?: boolean; readonly onFailure?: "rollback" | "pause" } = {}): StackReply {
    return this.accepted({ kind: "apply", members, prune: false, onFailure: "rollback", ...more });
  }

  /** A person who changes a member by hand. */
  byHand(name: string, command: DeploymentCommand): unknown {
    return this.#decide(addressOf(TENANT, "deployment", name), command, "bob");
  }

  /** Delivers what is under way, and what follows from it. */
  deliver(): void {
    for (let item = this.mail.shift(); item !== undefined; item = this.mail.shift()) this.#decide(item.to, item.message, item.from);
  }

  /** Delivers one message, the first between some two actors: others may overtake it, those of the same two do not. */
  deliverOne(choice: number): void {
    const pairs = [...new Set(this.mail.map(({ from, to }) => `${from} ${to}`))];
    const pair = pairs[choice % Math.max(1, pairs.length)];
    const index = this.mail.findIndex(({ from, to }) => `${from} ${to}` === pair);
    const [item] = index < 0 ? [] : this.mail.splice(index, 1);
    if (item !== undefined) this.#decide(item.to, item.message, item.from);
  }

  /** One round of what the world owes: places, starts, fails the tag `bad`, stops; then a second passes. */
  round(): void {
    this.deliver();
    for (const name of this.deployments()) {
      for (const record of Object.values(this.deployment(name).placements)) {
        const { placementId, desired, stage, healthySinceMs, contentOf } = record;
        if (stage.stage !== "assigned") this.byNode(name, { kind: "placed", placements: [{ placementId, node: "n1" }] });
        else if (desired === "stopped")
          this.byNode(name, {
            kind: "ended",
            node: "n1",
            placementIds: [placementId],
            statuses: [this.#status(name, placementId, { phase: "stopped" })],
          });
        else if (this.#isBad(name, contentOf))
          this.byNode(name, { kind: "observed", node: "n1", statuses: [this.#failed(name, placementId)] });
        else if (healthySinceMs === undefined)
          this.byNode(name, { kind: "observed", node: "n1", statuses: [this.#status(name, placementId, this.#healthy())] });
      }
    }
    this.deliver();
    this.pass(1_000);
  }

  byNode(name: string, command: DeploymentCommand): void {
    this.#decide(addressOf(TENANT, "deployment", name), command, "n1");
  }

  /** Rounds until the stack's rollout has ended. */
  finish(): StackState["rollout"] {
    for (let round = 0; round < 200 && this.stack.rollout?.outcome === "in-progress"; round++) this.round();
    return this.stack.rollout;
  }

  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const due = [...this.#states.keys()]
        .map((address) => ({ address, atMs: this.#deciderOf(address).wakeAtMs(this.#stateOf(address), this.nowMs) ?? Infinity }))
        .filter(({ atMs }) => atMs <= end && atMs > this.nowMs);
      if (due.length === 0) break;
      this.nowMs = Math.min(...due.map(({ atMs }) => atMs));
      for (const { address, atMs } of due) if (atMs === this.nowMs) this.#decide(address, { kind: "wake" }, address);
      this.deliver();
    }
    this.nowMs = end;
  }

  #isBad(name: string, content: number): boolean {
    const revision = this.deployment(name).revisions.find((one) => one.contentOf === content);
    return revision?.template.image.reference.endsWith(":bad") === true;
  }

  #healthy(): PlacementStatus["current"] {
    return { phase: "running", containerId: "c", startedAtMs: this.nowMs, health: "healthy", healthSinceMs: this.nowMs };
  }

  #failed(name: string, placementId: string): PlacementStatus {
    const failure = { code: "image.not-found" as const, message: "there is no such image", permanent: true, atMs: this.nowMs };
    return { ...this.#status(name, placementId, { phase: "accepted" }), failure };
  }

  #status(deployment: string, placementId: string, current: PlacementStatus["current"]): PlacementStatus {
    this.#sequence += 1;
    return { placementId, deployment, sequence: this.#sequence, attempt: 1, current, restarts: 0, observedAtMs: this.nowMs };
  }

  #deciderOf(address: Address): Decider<unknown, unknown, { readonly type: string }> {
    const actor: AnyActorDefinition = partsOf(address).kind === "stack" ? stackActor : deploymentActor;
    return actor.decider;
  }

  #stateOf(address: Address): unknown {
    return this.#states.get(address) ?? this.#deciderOf(address).initial(address);
  }

  #decide(address: Address, command: unknown, by: string): unknown {
    const decider = this.#deciderOf(address);
    const state = this.#stateOf(address);
    const meta = {
      commandId: `c${this.#commands++}`,
      principal: { kind: "user", id: by, role: "admin" },
      via: "cli",
      correlationId: "x",
    } as const;
    const context: DecideContext = { address, nowMs: this.nowMs, meta };
    const decision = decider.decide(state, command, context);
    if (decision.kind === "refuse") return decision.refusal;
    const after = decision.events.reduce((current, event) => decider.evolve(current, event, this.nowMs), state);
    for (const row of decider.project(state, after, context)) {
      if (row.change === "put") this.rows.set(`${row.kind} ${row.id}`, row.body);
      else this.rows.delete(`${row.kind} ${row.id}`);
    }
    // As a journal would: what is not data does not survive.
    this.#states.set(address, JSON.parse(JSON.stringify(after)));
    for (const message of decision.messages) this.#route(address, message);
    return decision.reply;
  }

  #route(from: Address, { to, message }: Outgoing): void {
    const { kind, name } = partsOf(from);
    if (to === addressOf(TENANT, "scheduler")) {
      const command = message as SchedulerCommand;
      if (command.kind === "place") this.begun.push(`${name}@${this.deployment(name).revision}`);
    }
    if (kind === "stack" && to === addressOf(TENANT, "ingress")) this.kept.push((message as { readonly wants: readonly Want[] }).wants);
    else if (partsOf(to).kind === "stack" || kind === "stack") this.mail.push({ to, message, from });
  }
}
