import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { DURATION_BOUNDS_SECONDS, type PoolCounts, STATUS_CLASSES } from "../../actors/ingress/counts-contract.ts";
import { HEARTBEAT_UNKNOWN_AFTER_MS } from "../../actors/node/contract.ts";
import type { NodeSoft } from "../../actors/views.ts";
import type { ActorHost } from "../../runtime/actor-host.ts";
import { partsOf } from "../../runtime/address.ts";
import type { Clock } from "../../runtime/clock.ts";

/** A node's name says which it is among its tenant's alone. */
interface Where {
  readonly tenant: string;
  readonly node: string;
}
type NodeCounts = NonNullable<NodeSoft["ingressCounts"]> & { readonly where: Where };
type Source = () => readonly NodeCounts[];

/**
 * What the nodes' proxies do, looked up whenever Prometheus asks. A node that is silent for as long as makes its state unknown is left out: its last numbers are
 * not shown as today's. Labels are bounded: nodes, and the ports and routes of one table.
 */
export function observeIngress(registry: Registry, host: Pick<ActorHost, "actors" | "soft">, clock: Clock): void {
  const current: Source = () =>
    host.actors().flatMap(({ address }) => {
      const { tenant, kind, name } = partsOf(address);
      const counts = kind === "node" ? (host.soft(address) as NodeSoft | undefined)?.ingressCounts : undefined;
      return counts === undefined || clock.nowMs() - counts.heardAtMs > HEARTBEAT_UNKNOWN_AFTER_MS
        ? []
        : [{ ...counts, where: { tenant, node: name } }];
    });
  registry.registerMetric(answers(current));
  registry.registerMetric(new AnswerDurations(current));
  registry.registerMetric(openConnections(current));
  registry.registerMetric(proxyUp(current));
}

function answers(current: Source): Counter {
  return new Counter({
    name: "odysseus_ingress_requests_total",
    help: "HTTP requests answered through the node's proxy, by published port or route and class of status code; retries at other replicas are not counted again, and WebSockets not at all",
    labelNames: ["tenant", "node", "deployment", "frontend", "code"],
    registers: [],
    collect() {
      this.reset();
      for (const { where, pools } of current())
        for (const counts of pools)
          for (const [index, code] of STATUS_CLASSES.entries())
            this.inc({ ...where, ...frontendOf(counts), code }, counts.answers[index] ?? 0);
    },
  });
}

function openConnections(current: Source): Gauge {
  return new Gauge({
    name: "odysseus_ingress_open_connections",
    help: "Connections of clients that are open to the node's proxy, over HTTP and TCP",
    labelNames: ["tenant", "node"],
    registers: [],
    collect() {
      this.reset();
      for (const { where, openConnections: open } of current()) this.set({ ...where }, open);
    },
  });
}

function proxyUp(current: Source): Gauge {
  return new Gauge({
    name: "odysseus_ingress_proxy_up",
    help: "1: the node's proxy answers. 0: it does not, though ports or routes ask for one",
    labelNames: ["tenant", "node"],
    registers: [],
    collect() {
      this.reset();
      for (const { where, proxy } of current()) this.set({ ...where }, proxy === "up" ? 1 : 0);
    },
  });
}

const DURATIONS = "odysseus_ingress_request_duration_seconds";
const DURATIONS_HELP =
  "Seconds until an HTTP request was answered whole, by published port or route; upgraded connections and streams of events are left out";

interface DurationValue {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly sharedLabels: Where & { readonly deployment: string; readonly frontend: string };
  readonly value: number;
}

/** Counted elsewhere: a histogram of the library's own takes single observations only. */
class AnswerDurations extends Histogram {
  readonly #current: Source;

  constructor(current: Source) {
    super({
      name: DURATIONS,
      help: DURATIONS_HELP,
      registers: [],
    });
    this.#current = current;
  }

  /** The library's registry asks a histogram for this first, and its `get` does, too. */
  async getForPromString(): Promise<object> {
    const values = this.#current().flatMap(({ where, pools }) => pools.flatMap((counts) => durationsOf(where, counts)));
    return { name: DURATIONS, help: DURATIONS_HELP, type: "histogram", aggregator: "sum", values };
  }
}

function durationsOf(where: Where, counts: PoolCounts): readonly DurationValue[] {
  const sharedLabels = { ...where, ...frontendOf(counts) };
  const buckets = counts.durations.map((value, index) => ({
    metricName: `${DURATIONS}_bucket`,
    labels: { le: DURATION_BOUNDS_SECONDS[index] ?? "+Inf" },
    sharedLabels,
    value,
  }));
  return [
    ...buckets,
    { metricName: `${DURATIONS}_sum`, labels: {}, sharedLabels, value: counts.durationSumSeconds },
    { metricName: `${DURATIONS}_count`, labels: {}, sharedLabels, value: counts.durations.at(-1) ?? 0 },
  ];
}

/** A pool's id is its deployment's name and its frontend's: `web` and `8080/tcp`, or `web` and `//app.example.com/`. */
function frontendOf({ pool }: PoolCounts): { readonly deployment: string; readonly frontend: string } {
  const end = pool.indexOf("/");
  return { deployment: pool.slice(0, end), frontend: pool.slice(end + 1).replace(/^\/\//, "") };
}
