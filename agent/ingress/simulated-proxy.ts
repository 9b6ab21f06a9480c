import type { IngressStatus, ProxyState } from "../../actors/ingress/contract.ts";
import type { IngressCounts, PoolCounts } from "../../actors/ingress/counts-contract.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { type AssignmentNumber, compareAssignments } from "../assignment-order.ts";
import { type FormerMember, formerMembers, stillDraining } from "./former-members.ts";
import type { Proxy, ProxyWish } from "./proxy.ts";
import { needsProxy } from "./published-ports.ts";

/** As long as the real one takes, in the middle. */
const APPLY_MS = 90;
const VERSION = "3.7.15";

/**
 * A proxy without traffic: same contract, on the given clock alone. It outlives the agents that drive it. The methods after the contract's are what happens
 * to it, and what connections it has.
 */
export class SimulatedProxy implements Proxy {
  readonly #clock: Clock;
  readonly #connections = new Map<string, number>();
  readonly #counts = new Map<string, PoolCounts>();
  readonly #taken = new Set<string>();
  #changed: () => void = () => undefined;
  #wish: ProxyWish | undefined;
  #applied: ProxyWish | undefined;
  #former: readonly FormerMember[] = [];
  #applyMs = APPLY_MS;
  #state: "alive" | "dead" | "frozen" = "alive";
  #sinceMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
  }

  want(wish: ProxyWish): void {
    this.#former = formerMembers(this.#former, this.#wish?.table, wish.table);
    this.#wish = wish;
    this.#applySoon();
  }

  get status(): IngressStatus {
    const table = this.#wish?.table;
    const failed = (table?.ports ?? []).filter(({ port, protocol }) => this.#taken.has(`${port}/${protocol}`));
    return {
      proxy: this.#proxyState(),
      serving: this.#serving(),
      failedPorts: failed.map(({ port, protocol }) => ({
        port,
        protocol,
        reason: `port ${port}/${protocol} of this node is in use by another program`,
      })),
      draining: this.#draining(),
    };
  }

  async counts(): Promise<IngressCounts | undefined> {
    const { state } = this.#proxyState();
    if (state === "idle") return undefined;
    const openConnections = [...this.#connections.values()].reduce((sum, count) => sum + count, 0);
    return { proxy: state === "running" && this.#state === "alive" ? "up" : "down", openConnections, pools: [...this.#counts.values()] };
  }

  async stop(): Promise<void> {
    this.#changed = () => undefined;
  }

  /** Where requests go now: the placements in a pool's members that it serves. */
  members(pool: string): readonly string[] {
    if (this.#state === "dead") return [];
    const members = this.#applied?.table.pools.find(({ id }) => id === pool)?.members ?? [];
    return members.map(({ placementId }) => placementId).filter((placementId) => this.#applied?.withheld.has(placementId) !== true);
  }

  /** Of the certificates it serves with now. */
  chains(): readonly string[] {
    return (this.#applied?.certificates ?? []).map(({ chain }) => chain);
  }

  /** Everybody whom requests may go to now. */
  placements(): readonly string[] {
    return [...new Set((this.#applied?.table.pools ?? []).flatMap(({ id }) => this.members(id)))];
  }

  leadsTo(placementId: string): boolean {
    return this.placements().includes(placementId);
  }

  /** From now on a table takes so long to be in force. */
  slow(applyMs: number): void {
    this.#applyMs = applyMs;
  }

  /** It answers nobody, and does what it did, until `thaw`. */
  freeze(): void {
    this.#state = "frozen";
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "alive";
    this.#applySoon();
  }

  /** This is what it has answered for a pool so far. */
  count(counts: PoolCounts): void {
    this.#counts.set(counts.pool, counts);
  }

  /** The process ends, and its connections with it, until `revive`. */
  die(): void {
    this.#state = "dead";
    this.#connections.clear();
    this.#applied = this.#wish;
    this.#changed();
  }

  /** Begins with what it was told last. */
  revive(): void {
    this.#state = "alive";
    this.#sinceMs = this.#clock.nowMs();
    this.#applied = this.#wish;
    this.#changed();
  }

  /** So many requests are under way to a replica. */
  connect(placementId: string, connections: number): void {
    if (connections === 0) this.#connections.delete(placementId);
    else this.#connections.set(placementId, connections);
    this.#former = this.#stillDraining();
    this.#changed();
  }

  /** Another program of the node listens there, or does not any more. */
  takePort(port: number, protocol: "tcp" | "udp", isTaken = true): void {
    if (isTaken) this.#taken.add(`${port}/${protocol}`);
    else this.#taken.delete(`${port}/${protocol}`);
    this.#changed();
  }

  #applySoon(): void {
    if (this.#state === "dead") {
      this.#applied = this.#wish;
      this.#changed();
      return;
    }
    if (this.#state === "frozen" || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(this.#applyMs, () => {
      this.#timer = undefined;
      this.#applied = this.#wish;
      this.#former = this.#stillDraining();
      this.#changed();
    });
  }

  #serving(): AssignmentNumber {
    const { epoch, number } = this.#applied?.table ?? { epoch: 0, number: 0 };
    return { epoch, number };
  }

  #stillDraining(): readonly FormerMember[] {
    return stillDraining(this.#former, this.#connections, this.#serving());
  }

  #draining(): IngressStatus["draining"] {
    const left = new Set(
      this.#former.filter((member) => compareAssignments(this.#serving(), member) >= 0).map(({ placementId }) => placementId),
    );
    return [...left].flatMap((placementId) => {
      const connections = this.#connections.get(placementId);
      return connections === undefined ? [] : [{ placementId, connections }];
    });
  }

  #proxyState(): ProxyState {
    if (this.#wish === undefined || !needsProxy(this.#wish.table)) return { state: "idle" };
    return this.#state === "dead" ? { state: "starting" } : { state: "running", version: VERSION, sinceMs: this.#sinceMs };
  }
}
