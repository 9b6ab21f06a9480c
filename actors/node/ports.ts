import type { Bus } from "../../runtime/bus.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import type { Clock } from "../../runtime/clock.ts";

/** What a node actor needs of the outside. */
export interface NodePorts {
  readonly clock: Clock;
  readonly bus: Bus;
  /** Epoch under which this process owns the tenant. */
  readonly epochOf: (tenant: string) => number;
  /** Contents of files that its placements use. */
  readonly sealedOf: (tenant: string) => SealedStore;
}
