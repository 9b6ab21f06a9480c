import { addressOf, partsOf } from "../../../runtime/address.ts";
import type { Outgoing } from "../../../runtime/actor.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import type { Refusal } from "../../../runtime/refusal.ts";
import {
  NO_FRONTENDS,
  type Frontends,
  type IngressAnswer,
  type IngressCommand,
  type IngressNode,
  type Want,
} from "../../../actors/ingress/commands.ts";
import type { IngressStatus, IngressTable } from "../../../actors/ingress/contract.ts";
import { HOST_NAMES } from "../../../actors/host-name/commands.ts";
import { ingressActor } from "../../../actors/ingress/actor.ts";
import { noKeys } from "../../../actors/ingress/keys.ts";
import { look } from "../../../actors/ingress/reserve.ts";
import { evolve, noIngress, type IngressEvent, type IngressState } from "../../../actors/ingress/state.ts";
import { tableOf, trafficOf } from "../../../actors/ingress/table.ts";
import { confirmable } from "../../../actors/ingress/confirmation.ts";
import { concluded, type SeenNode } from "../../../actors/ingress/withdrawal.ts";
import { Installation } from "../host-name/installation.ts";

const EPOCH = 1;
const { decider } = ingressActor({
  clock: systemClock,
  bus: new MemoryBroker(systemClock).connect("stage"),
  epochOf: () => EPOCH,
  keys: noKeys,
});

export function ports(...published: readonly number[]): Frontends {
  return { ...NO_FRONTENDS, ports: published.map((port) => ({ port, protocol: "tcp", speaks: "http" })) };
}

export function routes(...hosts: readonly string[]): Frontends {
  const options = { sticky: false, compress: false, basicAuth: [], allow: [] };
  return { ...NO_FRONTENDS, routes: hosts.map((host) => ({ host, path: "/", tls: "on", speaks: "http", options })) };
}

export function status(number: number, draining: IngressStatus["draining"] = []): IngressStatus {
  return { proxy: { state: "running", version: "3.7.15", sinceMs: 0 }, serving: { epoch: EPOCH, number }, failedPorts: [], draining };
}

/** The ingress's decider on a stage: plays deployments and nodes by hand, on a clock of its own. The owner of host names is there, too. */
export class Stage {
  readonly tenant: string;
  readonly installation: Installation;
  state: IngressState = noIngress;
  nowMs = 1_000_000;
  readonly events: { readonly event: IngressEvent; readonly atMs: number }[] = [];
  readonly sent: Outgoing[] = [];
  readonly seen = new Map<string, SeenNode>();
  readonly audited: string[] = [];

  constructor(tenant = "acme", installation = new Installation()) {
    this.tenant = tenant;
    this.installation = installation;
    installation.join(tenant, (answer) => void this.tell(answer));
  }

  tell(command: IngressCommand): Refusal | undefined {
    const decision = decider.decide(this.state, command, {
      address: addressOf(this.tenant, "ingress"),
      nowMs: this.nowMs,
      meta: { commandId: "c", principal: { kind: "user", id: "ada", role: "admin" }, via: "cli", correlationId: "x" },
    });
    if (decision.kind === "refuse") {
      if (decision.audit !== undefined) this.audited.push(decision.audit.operation);
      return decision.refusal;
    }
    this.audited.push(...(decision.audit ?? []).map(({ operation }) => operation));
    for (const event of decision.events) {
      this.state = evolve(this.state, event, this.nowMs);
      this.events.push({ event, atMs: this.nowMs });
    }
    this.sent.push(...decision.messages);
    for (const message of decision.messages) if (message.to === HOST_NAMES) this.installation.send(message);
    return undefined;
  }

  node(name: string, more: Partial<IngressNode> = {}): void {
    const node: IngressNode = {
      name,
      hostname: name,
      address: `10.0.0.${name.slice(1)}`,
      labels: {},
      os: "linux",
      arch: "amd64",
      connection: "joined",
      ...more,
    };
    this.tell({ kind: "node-changed", node });
  }

  serve(deployment: string, frontends: Frontends): void {
    this.tell({ kind: "serve", deployment, frontends });
  }

  reserve(deployment: string, frontends: Frontends): Refusal | undefined {
    return this.reserveAll([{ deployment, frontends }]);
  }

  /** As a changing operation does: names that are not the tenant's yet are reserved for it first. */
  reserveAll(wants: readonly Want[]): Refusal | undefined {
    const { unknownHosts } = look(this.state, { kind: "look", wants, taken: [] }, this.nowMs);
    const taken = this.installation.reserve(this.tenant, unknownHosts);
    return this.tell({ kind: "reserve", operation: "deployments.create", wants, taken });
  }

  /** A replica behind port 8080 of its deployment. */
  enter(placementId: string, node: string, port = 28_200): void {
    const deployment = placementId.slice(0, placementId.indexOf("."));
    this.tell({ kind: "enter", deployment, members: [{ placementId, node, targets: [{ frontend: "8080/tcp", port }] }] });
  }

  withdraw(placementId: string, drainMs = 30_000): void {
    const deployment = placementId.slice(0, placementId.indexOf("."));
    this.tell({ kind: "withdraw", deployment, placements: [{ placementId, drainMs }] });
  }

  /** As the edge does with every word of a node: what that closes is decided. */
  says(node: string, status: IngressStatus, acceptedNumber = status.serving.number): void {
    this.seen.set(node, { acceptedNumber, status });
    this.look();
  }

  look(): void {
    const seen = { epoch: EPOCH, nodes: this.seen };
    const withdrawals = concluded(this.state, Object.values(this.state.withdrawals), seen, this.nowMs);
    const served = confirmable(this.state, Object.values(this.state.confirmations ?? {}), seen, this.nowMs);
    if (withdrawals.length + served.length > 0) this.tell({ kind: "conclude", withdrawals, served });
  }

  table(name: string): IngressTable {
    const node = this.state.nodes[name];
    if (node === undefined) throw new Error(`no node ${name}`);
    const told = { ...trafficOf(this.state), certificates: [], challenges: [] };
    return tableOf(this.state, node, told, { tenant: this.tenant, epoch: EPOCH });
  }

  /** Placements that a node leads traffic to. */
  members(name: string): readonly string[] {
    return this.table(name).pools.flatMap(({ members }) => members.map(({ placementId }) => placementId));
  }

  /** What deployments were told. */
  get answers(): readonly { readonly to: string; readonly answer: IngressAnswer }[] {
    const told = this.sent.filter(({ to }) => partsOf(to).kind === "deployment");
    return told.map(({ to, message }) => ({ to, answer: message as IngressAnswer }));
  }

  withdrawn(): readonly string[] {
    return this.answers.flatMap(({ answer }) =>
      answer.kind === "withdrawn" ? answer.placements.map(({ placementId }) => placementId) : [],
    );
  }
}
