import type { IngressCertificate, IngressStatus, IngressTable } from "../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../actors/ingress/counts-contract.ts";

/** What a proxy should do: the newest table, less what the agent itself knows to be out of order. */
export interface ProxyWish {
  readonly table: IngressTable;
  /** Those that the table names. */
  readonly certificates: readonly IngressCertificate[];
  /** Placements of this node that take no traffic now, whatever the table says. */
  readonly withheld: ReadonlySet<string>;
}

/**
 * The proxy of one node. It outlives the agent that drives it, and keeps doing what it was told last. Two implementations, Traefik and simulated, pass one
 * contract test.
 */
export interface Proxy {
  /** Takes it over as it is; from now on each change of `status` is told. */
  start(changed: () => void): Promise<void>;
  /** Wanted from now on; a newer wish replaces it. Members that left are out as soon as it can be done, without waiting for anything else. */
  want(wish: ProxyWish): void;
  readonly status: IngressStatus;
  /** Asks it what it has counted. Undefined: none is needed. Never rejects. */
  counts(): Promise<IngressCounts | undefined>;
  /** Lets go of it; it goes on. */
  stop(): Promise<void>;
}
