import { IngressTable, type IngressStatus, type IngressTableAnswer } from "../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../actors/ingress/counts-contract.ts";
import type { Log } from "../../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "../agent-disk.ts";
import type { PlacementRecord } from "../agent-state.ts";
import { compareAssignments } from "../assignment-order.ts";
import { readKept } from "../kept-file.ts";
import { withheldReplicas } from "./own-replicas.ts";
import type { Proxy } from "./proxy.ts";

/** It holds private keys; the disk's files are readable by their owner alone. */
const FILE = "ingress-table.json";
const NONE = { epoch: 0, number: 0 };

export interface IngressKeeperParts {
  readonly tenant: string;
  readonly node: string;
  readonly proxy: Proxy;
  readonly disk: AgentDisk;
  readonly log: Log;
  /** What the agent knows of a placement of its own. */
  readonly record: (placementId: string) => PlacementRecord | undefined;
  /** Why nothing may be done on this node. */
  readonly refusal: () => string | undefined;
}

/** Keeps the newest table on the node's disk and makes the proxy do what it says, with the control plane or without. */
export class IngressKeeper {
  readonly #parts: IngressKeeperParts;
  #table: IngressTable | undefined;
  #withheld: ReadonlySet<string> = new Set();
  #accepting: Promise<unknown> = Promise.resolve();
  #phase: "waiting" | "begun" | "stopped" = "waiting";
  #changed: () => void = () => undefined;

  constructor(parts: IngressKeeperParts) {
    this.#parts = parts;
  }

  /** Goes on with the table it remembers; `changed` is called whenever `status` is another one. Rejects with `DiskFailure`. */
  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
    await this.#begin();
  }

  /** What kept it from beginning may be over. */
  engineChanged(): void {
    void this.#begin().catch((error: unknown) => this.#parts.log.error("the proxy does not begin", { error }));
  }

  async #begin(): Promise<void> {
    const { proxy, disk, log, refusal } = this.#parts;
    if (this.#phase !== "waiting" || refusal() !== undefined) return;
    this.#phase = "begun";
    await proxy.start(this.#changed);
    const table = await readKept(disk, FILE, IngressTable, log);
    if (table !== undefined && this.#isOurs(table)) this.#adopt(table);
  }

  get status(): IngressStatus {
    return this.#parts.proxy.status;
  }

  counts(): Promise<IngressCounts | undefined> {
    return this.#parts.proxy.counts();
  }

  /** On the disk before it is accepted; a smaller (epoch, number) is stale, the same again changes nothing. */
  accept(table: IngressTable): Promise<IngressTableAnswer> {
    const answer = this.#accepting.then(() => this.#accept(table));
    this.#accepting = answer;
    return answer;
  }

  /** Its own replicas leave the proxy of their node the moment the agent knows, and not a round trip later. */
  placementChanged(placementId: string): void {
    const table = this.#table;
    if (table === undefined || this.#phase === "stopped") return;
    if (!table.pools.some(({ members }) => members.some((member) => member.placementId === placementId))) return;
    const withheld = withheldReplicas(table, this.#parts.record);
    if (withheld.size === this.#withheld.size && [...withheld].every((id) => this.#withheld.has(id))) return;
    this.#withheld = withheld;
    this.#parts.proxy.want({ table, withheld });
  }

  async stop(): Promise<void> {
    const isBegun = this.#phase === "begun";
    this.#phase = "stopped";
    await this.#accepting;
    if (isBegun) await this.#parts.proxy.stop();
  }

  async #accept(table: IngressTable): Promise<IngressTableAnswer> {
    const { epoch, number } = this.#table ?? NONE;
    const order = this.#table === undefined ? 1 : compareAssignments(table, this.#table);
    if (order < 0 || this.#phase === "stopped") return { kind: "stale", epoch, number };
    const refusal = this.#parts.refusal();
    if (refusal !== undefined) return { kind: "not-stored", message: `its agent does not use its container engine: ${refusal}` };
    if (order > 0) {
      try {
        await this.#parts.disk.write(FILE, JSON.stringify(table));
      } catch (cause) {
        if (!(cause instanceof DiskFailure)) throw cause;
        return { kind: "not-stored", message: cause.message };
      }
      this.#adopt(table);
    }
    return { kind: "accepted", epoch: table.epoch, number: table.number };
  }

  #adopt(table: IngressTable): void {
    if (this.#phase === "stopped") return;
    this.#table = table;
    this.#withheld = withheldReplicas(table, this.#parts.record);
    this.#parts.proxy.want({ table, withheld: this.#withheld });
  }

  /** A table on the disk that was meant for another node came with a copied disk. */
  #isOurs({ tenant, node }: IngressTable): boolean {
    const isOurs = tenant === this.#parts.tenant && node === this.#parts.node;
    if (!isOurs) this.#parts.log.error("the ingress table on the disk is for another node and not used", { tenant, node });
    return isOurs;
  }
}
