import type { IngressKeys, Supply } from "../ingress/keys.ts";

/** Where whoever makes an ingress node's table finds the newest supply of a tenant. Kept in memory alone. One per process. */
export class Supplies implements IngressKeys {
  readonly #byTenant = new Map<string, Supply>();
  readonly #listeners = new Map<string, Set<() => void>>();

  of(tenant: string): Supply | undefined {
    return this.#byTenant.get(tenant);
  }

  put(tenant: string, supply: Supply): void {
    this.#byTenant.set(tenant, supply);
    for (const listener of this.#listeners.get(tenant) ?? []) listener();
  }

  onChanged(tenant: string, listener: () => void): { stop(): void } {
    const listeners = this.#listeners.get(tenant) ?? new Set();
    this.#listeners.set(tenant, listeners.add(listener));
    return { stop: () => void listeners.delete(listener) };
  }
}
