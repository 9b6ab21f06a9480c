import { z } from "zod";
import { IngressCertificate } from "../../actors/ingress/contract.ts";
import type { Log } from "../../runtime/log.ts";
import type { AgentDisk } from "../agent-disk.ts";
import { readKept } from "../kept-file.ts";

/** It holds private keys; the disk's files are readable by their owner alone. */
const FILE = "ingress-certificates.json";
const KeptFile = z.array(IngressCertificate);

/** Certificates by id, on the node's disk: those of the table, and those given for the next one. */
export class KeptCertificates {
  readonly #disk: AgentDisk;
  #byId: ReadonlyMap<string, IngressCertificate> = new Map();

  constructor(disk: AgentDisk) {
    this.#disk = disk;
  }

  /** Rejects with `DiskFailure`, as all that touches the disk. */
  async recall(log: Log): Promise<void> {
    this.#byId = byId((await readKept(this.#disk, FILE, KeptFile, log)) ?? []);
  }

  lacking(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => !this.#byId.has(id));
  }

  /** Those of these that are here. */
  of(ids: readonly string[]): readonly IngressCertificate[] {
    return ids.flatMap((id) => this.#byId.get(id) ?? []);
  }

  async add(certificates: readonly IngressCertificate[]): Promise<void> {
    await this.#write(byId([...this.#byId.values(), ...certificates]));
  }

  /** A key that nothing is served with stays on no disk. */
  async keepOnly(ids: readonly string[]): Promise<void> {
    const kept = byId(this.of(ids));
    if (kept.size < this.#byId.size) await this.#write(kept);
  }

  async #write(certificates: ReadonlyMap<string, IngressCertificate>): Promise<void> {
    await this.#disk.write(FILE, JSON.stringify([...certificates.values()]));
    this.#byId = certificates;
  }
}

function byId(certificates: readonly IngressCertificate[]): ReadonlyMap<string, IngressCertificate> {
  return new Map(certificates.map((certificate) => [certificate.id, certificate]));
}
