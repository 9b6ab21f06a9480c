import { type TableAnswer, type IngressCertificate, type IngressStatus, IngressTable } from "../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../actors/ingress/counts-contract.ts";
import type { Log } from "../../runtime/log.ts";
import { type AgentDisk, DiskFailure } from "../agent-disk.ts";
import type { PlacementRecord } from "../agent-state.ts";
import { compareAssignments } from "../assignment-order.ts";
import { readKept } from "../kept-file.ts";
import { KeptCertificates } from "./kept-certificates.ts";
import { withheldReplicas } from "./own-replicas.ts";
import type { Proxy } from "./proxy.ts";

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
  readonly #certificates: KeptCertificates;
  #table: IngressTable | undefined;
  #withheld: ReadonlySet<string> = new Set();
  #accepting: Promise<unknown> = Promise.resolve();
  #phase: "waiting" | "begun" | "stopped" = "waiting";
  #changed: () => void = () => undefined;

  constructor(parts: IngressKeeperParts) {
    this.#parts = parts;
    this.#certificates = new KeptCertificates(parts.disk);
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
    await this.#certificates.recall(log);
    const table = await readKept(disk, FILE, IngressTable, log);
    if (table !== undefined && this.#isOurs(table)) this.#adopt(table);
  }

  get status(): IngressStatus {
    return this.#parts.proxy.status;
  }

  counts(): Promise<IngressCounts | undefined> {
    return this.#parts.proxy.counts();
  }

  /** On the disk before it is accepted, and its certificates before it; a smaller (epoch, number) is stale, the same again changes nothing. */
  accept(table: IngressTable): Promise<TableAnswer> {
    return this.#inTurn(() => this.#accept(table));
  }

  /** For the next table; or for this one, whose file was damaged. */
  keep(certificates: readonly IngressCertificate[]): Promise<TableAnswer> {
    return this.#inTurn(async () => {
      await this.#certificates.add(certificates);
      if (this.#table !== undefined && this.#phase === "begun") this.#want(this.#table);
      return { kind: "kept" };
    });
  }

  /** Its own replicas leave the proxy of their node the moment the agent knows, and not a round trip later. */
  placementChanged(placementId: string): void {
    const table = this.#table;
    if (table === undefined || this.#phase === "stopped") return;
    if (!table.pools.some(({ members }) => members.some((member) => member.placementId === placementId))) return;
    const withheld = withheldReplicas(table, this.#parts.record);
    if (withheld.size === this.#withheld.size && [...withheld].every((id) => this.#withheld.has(id))) return;
    this.#withheld = withheld;
    this.#want(table);
  }

  async stop(): Promise<void> {
    const isBegun = this.#phase === "begun";
    this.#phase = "stopped";
    await this.#accepting;
    if (isBegun) await this.#parts.proxy.stop();
  }

  #inTurn(step: () => Promise<TableAnswer>): Promise<TableAnswer> {
    const answer = this.#accepting.then(step).catch((cause: unknown): TableAnswer => {
      if (!(cause instanceof DiskFailure)) throw cause;
      return { kind: "not-stored", message: cause.message };
    });
    this.#accepting = answer.catch(() => undefined);
    return answer;
  }

  async #accept(table: IngressTable): Promise<TableAnswer> {
    const { epoch, number } = this.#table ?? NONE;
    const order = this.#table === undefined ? 1 : compareAssignments(table, this.#table);
    if (order < 0 || this.#phase === "stopped") return { kind: "stale", epoch, number };
    const refusal = this.#parts.refusal();
    if (refusal !== undefined) return { kind: "not-stored", message: `its agent does not use its container engine: ${refusal}` };
    const lacking = this.#certificates.lacking(table.certificates);
    if (lacking.length > 0) return { kind: "lacking", certificates: [...lacking] };
    if (order > 0) {
      await this.#parts.disk.write(FILE, JSON.stringify(table));
      this.#adopt(table);
      await this.#certificates.keepOnly(table.certificates);
    }
    return { kind: "accepted", epoch: table.epoch, number: table.number };
  }

  #adopt(table: IngressTable): void {
    if (this.#phase === "stopped") return;
    this.#table = table;
    this.#withheld = withheldReplicas(table, this.#parts.record);
    this.#want(table);
  }

  #want(table: IngressTable): void {
    this.#parts.proxy.want({ table, certificates: this.#certificates.of(table.certificates), withheld: this.#withheld });
  }

  /** A table on the disk that was meant for another node came with a copied disk. */
  #isOurs({ tenant, node }: IngressTable): boolean {
    const isOurs = tenant === this.#parts.tenant && node === this.#parts.node;
    if (!isOurs) this.#parts.log.error("the ingress table on the disk is for another node and not used", { tenant, node });
    return isOurs;
  }
}
