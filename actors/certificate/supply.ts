import type { IngressCertificate, IngressChallenge } from "../ingress/contract.ts";

/** What every ingress node should serve. Holds private keys: it is kept in memory and goes over the encrypted bus alone. */
export interface Supply {
  /** Grows whenever the rest changes. */
  readonly version: number;
  readonly certificates: readonly IngressCertificate[];
  readonly challenges: readonly IngressChallenge[];
}

/** Where whoever makes an ingress node's table finds the newest supply of a tenant. One per process. */
export class Supplies {
  readonly #byTenant = new Map<string, Supply>();
  readonly #listeners = new Set<(tenant: string) => void>();

  /** Undefined until the tenant's keys have been opened after a start: a table made before that would take the certificates off the nodes. */
  of(tenant: string): Supply | undefined {
    return this.#byTenant.get(tenant);
  }

  put(tenant: string, supply: Supply): void {
    this.#byTenant.set(tenant, supply);
    for (const listener of this.#listeners) listener(tenant);
  }

  onPut(listener: (tenant: string) => void): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }
}
