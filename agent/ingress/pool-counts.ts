import type { IngressTable } from "../../actors/ingress/contract.ts";
import { DURATION_BOUNDS_SECONDS, type PoolCounts, STATUS_CLASSES, type StatusClass } from "../../actors/ingress/counts-contract.ts";
import { parseSample, type Sample } from "./exposition.ts";
import { nameOf } from "./router.ts";

/**
 * Counted at the router and not at the service: there a request counts once, with what its client got, however many replicas were tried, and so does one that a
 * limit or a password turned away.
 */
const ANSWERS = "traefik_router_requests_total";
const DURATIONS = "traefik_router_request_duration_seconds";
const STARTED = "process_start_time_seconds";
/** What Traefik calls a request that is neither a WebSocket nor a stream of events: those last as long as their clients like. */
const TIMED_PROTOCOL = "http";

export type CountsByPool = ReadonlyMap<string, PoolCounts>;

/** What one process has counted since it started. */
export interface ProcessCounts {
  readonly startedAtSeconds: number;
  readonly pools: CountsByPool;
}

/** From the text of Traefik's metrics, piece by piece: it may be megabytes, of which few lines count. Undefined: it is not Traefik's. */
export async function readCounts(text: AsyncIterable<string>, table: IngressTable): Promise<ProcessCounts | undefined> {
  const poolOf = new Map(table.pools.map(({ id }) => [`${nameOf(id)}@file`, id]));
  const pools = new Map<string, PoolCounts>();
  let startedAtSeconds: number | undefined;
  const take = (line: string): void => {
    if (![ANSWERS, DURATIONS, STARTED].some((name) => line.startsWith(name))) return;
    const sample = parseSample(line);
    if (sample?.name === STARTED) startedAtSeconds = sample.value;
    const pool = poolOf.get(sample?.labels["service"] ?? "");
    if (sample === undefined || pool === undefined) return;
    let counts = pools.get(pool);
    if (counts === undefined) pools.set(pool, (counts = noCounts(pool)));
    add(counts, sample);
  };
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
  return startedAtSeconds === undefined ? undefined : { startedAtSeconds, pools };
}

export function noCounts(pool: string): PoolCounts {
  return {
    pool,
    answers: STATUS_CLASSES.map(() => 0),
    durations: [...DURATION_BOUNDS_SECONDS.map(() => 0), 0],
    durationSumSeconds: 0,
  };
}

function add(counts: PoolCounts, { name, labels, value }: Sample): void {
  if (name === ANSWERS) return increase(counts.answers, STATUS_CLASSES.indexOf(`${labels["code"]?.[0]}xx` as StatusClass), value);
  if (labels["protocol"] !== TIMED_PROTOCOL) return;
  if (name === `${DURATIONS}_bucket`) increase(counts.durations, boundIndex(labels["le"]), value);
  else if (name === `${DURATIONS}_sum`) counts.durationSumSeconds += value;
}

function boundIndex(bound: string | undefined): number {
  return bound === "+Inf" ? DURATION_BOUNDS_SECONDS.length : DURATION_BOUNDS_SECONDS.findIndex((seconds) => seconds === Number(bound));
}

function increase(values: number[], index: number, by: number): void {
  const before = values[index];
  if (before !== undefined) values[index] = before + by;
}

/** Of two processes together. */
export function sumOf(one: CountsByPool, other: CountsByPool): CountsByPool {
  const sum = new Map(one);
  for (const [pool, counts] of other) {
    const before = sum.get(pool);
    sum.set(pool, before === undefined ? counts : plus(before, counts));
  }
  return sum;
}

function plus(one: PoolCounts, other: PoolCounts): PoolCounts {
  return {
    pool: one.pool,
    answers: one.answers.map((count, index) => count + (other.answers[index] ?? 0)),
    durations: one.durations.map((count, index) => count + (other.durations[index] ?? 0)),
    durationSumSeconds: one.durationSumSeconds + other.durationSumSeconds,
  };
}
