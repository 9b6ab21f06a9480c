import type { Edge, EdgeContext, Intake } from "../../runtime/actor.ts";
import { addressOf, partsOf, subjectOf } from "../../runtime/address.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { NumberedPush, type PushKind } from "../numbered-push.ts";
import type { IngressCommand, IngressReport } from "./commands.ts";
import { TableAnswer, type IngressStatus, type IngressTable } from "./contract.ts";
import { certificateMessages, type IngressKeys } from "./keys.ts";
import type { Confirmation, IngressEvent, IngressState } from "./state.ts";
import { lackingNodes, SuppliedNumbers } from "./supplied-numbers.ts";
import { tableOf, trafficOf } from "./table.ts";
import { confirmable } from "./confirmation.ts";
import { concluded, type SeenNode, type SeenNodes } from "./withdrawal.ts";

/** The wall clock may jump while a timer sleeps. */
const LONGEST_SLEEP_MS = 30_000;

export interface IngressPorts {
  readonly clock: Clock;
  readonly bus: Bus;
  /** Epoch under which this process owns the tenant. */
  readonly epochOf: (tenant: string) => number;
  readonly keys: IngressKeys;
}

/** What a node's proxy said last, and whether it was given what it should do. */
export interface ObservedProxy extends SeenNode {
  /** Wall clock of the control plane; undefined: nothing was heard since this process started. */
  readonly heardAtMs: number | undefined;
  /** Why its agent cannot take the newest table, in a sentence. */
  readonly problem: string | undefined;
}

/** What the ingress knows and does not journal: `Host.soft` of its address. */
export interface IngressSoft {
  readonly epoch: number;
  readonly nodes: ReadonlyMap<string, ObservedProxy>;
  /** Why not every ingress node serves this version of the keys, or a later one: one clause that names them. */
  lacking(version: number): string | undefined;
}

const tables: PushKind = {
  parse: (answer) => {
    const parsed = TableAnswer.parse(answer);
    return parsed.kind === "lacking" ? { kind: "lacking", names: parsed.certificates } : parsed;
  },
  tooLarge: "its routes are more than one message can hold, and cannot be delivered: use fewer, or fewer nodes that take traffic",
  notStored: "its agent cannot keep its routes",
  notUnderstood:
    "its agent does not understand its routes: it is of another version than the control plane; start the newer of the two on both",
  lacking: "its agent lacks certificates of its routes, which it is given again",
};

interface ProxyLink {
  readonly push: NumberedPush<IngressTable>;
  session: string | undefined;
  status: IngressStatus | undefined;
  heardAtMs: number | undefined;
}

function openConfirmations({ confirmations = {} }: IngressState): readonly Confirmation[] {
  return Object.values(confirmations);
}

/** No placement is called so. */
function confirmationId({ deployment, rollout }: Pick<Confirmation, "deployment" | "rollout">): string {
  return `${deployment}/${rollout}`;
}

/** Gives every node its table, hears what the proxies do, and tells the decider when that closes a withdrawal. */
export class IngressEdge implements Edge<IngressState, IngressCommand, IngressEvent> {
  readonly #context: EdgeContext<IngressCommand>;
  readonly #ports: IngressPorts;
  readonly #links = new Map<string, ProxyLink>();
  readonly #keysWatch: { stop(): void };
  readonly #supplied = new SuppliedNumbers();
  #state: IngressState | undefined;
  #deadline: Timer | undefined;
  #concluding = new Set<string>();

  constructor(context: EdgeContext<IngressCommand>, ports: IngressPorts) {
    this.#context = context;
    this.#ports = ports;
    this.#keysWatch = ports.keys.onChanged(this.#tenant, () => context.command({ kind: "renumber" }, "renumber"));
  }

  receive(message: unknown): Intake<IngressCommand> {
    const arrived = message as IngressCommand | IngressReport;
    if (arrived.kind !== "ingress-status") return { kind: "command", command: arrived };
    this.#heard(arrived);
    return { kind: "answered", reply: null };
  }

  committed(state: IngressState): void {
    this.#state = state;
    this.#forgetRemoved(state);
    this.#give(state);
    const open = new Set([...Object.keys(state.withdrawals), ...openConfirmations(state).map(confirmationId)]);
    this.#concluding = new Set([...this.#concluding].filter((id) => open.has(id)));
    this.#conclude();
  }

  soft(): IngressSoft {
    const nodes = [...this.#links].map(([name, link]): [string, ObservedProxy] => [
      name,
      { ...this.#seen(link), heardAtMs: link.heardAtMs, problem: link.push.problem },
    ]);
    return {
      epoch: this.#epoch,
      nodes: new Map(nodes),
      lacking: (version) =>
        this.#state === undefined ? "nothing is known yet" : lackingNodes(this.#state, this.#supplied.numberOf(version), this.#seenNodes),
    };
  }

  stopped(): void {
    this.#keysWatch.stop();
    this.#deadline?.cancel();
    for (const { push } of this.#links.values()) push.stop();
  }

  get #tenant(): string {
    return partsOf(this.#context.address).tenant;
  }

  get #seenNodes(): SeenNodes {
    return { epoch: this.#epoch, nodes: new Map([...this.#links].map(([name, link]) => [name, this.#seen(link)])) };
  }

  get #epoch(): number {
    return this.#ports.epochOf(this.#tenant);
  }

  #give(state: IngressState): void {
    const supply = this.#ports.keys.of(this.#tenant);
    if (supply === undefined) return;
    const { version, certificates, challenges } = supply;
    this.#supplied.made(state.number, version);
    const told = { ...trafficOf(state), certificates: certificates.map(({ id }) => id), challenges };
    const under = { tenant: this.#tenant, epoch: this.#epoch };
    for (const node of Object.values(state.nodes)) this.#link(node.name).push.want(tableOf(state, node, told, under));
  }

  #heard({ node, session, status }: IngressReport): void {
    const link = this.#link(node);
    link.status = status;
    link.heardAtMs = this.#ports.clock.nowMs();
    if (link.session !== session) {
      link.session = session;
      // What it holds is not known: it answers with the number of its own when that is newer.
      link.push.agentIsAt(0, 0);
    }
    this.#conclude();
  }

  #forgetRemoved({ nodes }: IngressState): void {
    for (const [name, { push }] of this.#links) {
      // What a node says may arrive before the word that it is there.
      if (name in nodes || push.accepted === undefined || push.accepted.number === 0) continue;
      push.stop();
      this.#links.delete(name);
    }
  }

  #link(node: string): ProxyLink {
    let link = this.#links.get(node);
    if (link === undefined) {
      const push = new NumberedPush<IngressTable>(this.#ports, subjectOf(addressOf(this.#tenant, "agent", node)), tables, {
        answered: () => this.#conclude(),
        supplements: (ids) => certificateMessages(this.#ports.keys.of(this.#tenant), new Set(ids), { tenant: this.#tenant, node }),
      });
      link = { push, session: undefined, status: undefined, heardAtMs: undefined };
      this.#links.set(node, link);
    }
    return link;
  }

  #seen({ push, status }: ProxyLink): SeenNode {
    const { accepted } = push;
    return { acceptedNumber: accepted?.epoch === this.#epoch ? accepted.number : undefined, status };
  }

  /** What is decided already and not yet written is not asked for again. */
  #conclude(): void {
    if (this.#state === undefined) return;
    const nowMs = this.#ports.clock.nowMs();
    const open = Object.values(this.#state.withdrawals).filter(({ placementId }) => !this.#concluding.has(placementId));
    const unconfirmed = openConfirmations(this.#state).filter((each) => !this.#concluding.has(confirmationId(each)));
    const withdrawals = concluded(this.#state, open, this.#seenNodes, nowMs);
    const served = confirmable(this.#state, unconfirmed, this.#seenNodes, nowMs);
    const over = [...withdrawals.map(({ placementId }) => placementId), ...served.map(confirmationId)];
    if (over.length > 0) {
      for (const id of over) this.#concluding.add(id);
      this.#context.command({ kind: "conclude", withdrawals, served }, "conclude");
    }
    this.#deadline?.cancel();
    const left = [
      ...open.filter(({ placementId }) => !this.#concluding.has(placementId)),
      ...unconfirmed.filter((each) => !this.#concluding.has(confirmationId(each))),
    ];
    const dueAtMs = Math.min(...left.map(({ deadlineAtMs }) => deadlineAtMs));
    if (Number.isFinite(dueAtMs))
      this.#deadline = this.#ports.clock.after(Math.min(LONGEST_SLEEP_MS, dueAtMs - nowMs), () => this.#conclude());
  }
}
