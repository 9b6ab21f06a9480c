import type { IngressTable } from "../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../actors/ingress/counts-contract.ts";
import { clientPorts, type Half, HALVES } from "./entry-points.ts";
import { type CountsByPool, type ProcessCounts, sumOf } from "./pool-counts.ts";
import { clientConnections, nodeSockets } from "./sockets.ts";
import type { TraefikApi } from "./traefik-api.ts";

/** Of the node and not of a process: what one that ended had counted stays counted, for as long as the agent runs. */
export class ProxyCounts {
  readonly #apis: Readonly<Record<Half, Pick<TraefikApi, "counts">>>;
  readonly #last = new Map<Half, ProcessCounts>();
  #ended: CountsByPool = new Map();

  constructor(apis: Readonly<Record<Half, Pick<TraefikApi, "counts">>>) {
    this.#apis = apis;
  }

  /** A process that does not answer counts with what it had counted when it did. */
  async read(table: IngressTable, running: ReadonlySet<Half>, active: Half): Promise<IngressCounts> {
    const answered = new Set<Half>();
    for (const half of HALVES) if (running.has(half) && (await this.take(half, table))) answered.add(half);
    const wanted = new Set(table.pools.map(({ id }) => id));
    // A pool that comes back begins anew in the proxy, too.
    this.#ended = new Map([...this.#ended].filter(([pool]) => wanted.has(pool)));
    const pools = [...this.#last.values()].reduce((sum, counts) => sumOf(sum, counts.pools), this.#ended);
    const sockets = await nodeSockets();
    return {
      proxy: answered.has(active) ? "up" : "down",
      openConnections: HALVES.reduce((sum, half) => sum + clientConnections(sockets, clientPorts(half)), 0),
      pools: [...pools.values()].filter(({ pool }) => wanted.has(pool)),
    };
  }

  /** Whether it answered. Asked once more before a process is ended, so that nothing it did is missing. */
  async take(half: Half, table: IngressTable): Promise<boolean> {
    const counts = await this.#apis[half].counts(table);
    if (counts === undefined) return false;
    const last = this.#last.get(half);
    if (last !== undefined && last.startedAtSeconds !== counts.startedAtSeconds) this.#ended = sumOf(this.#ended, last.pools);
    this.#last.set(half, counts);
    return true;
  }
}
