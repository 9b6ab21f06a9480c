import type { ContainerSample, NodeSample } from "../actors/node/observed-contract.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ContainerTable } from "./container-table.ts";
import { type Engine, EngineFailure, type EngineStats } from "./engine/port.ts";
import { Gate } from "./gate.ts";
import { LABEL } from "./labels.ts";
import type { NodeUsage } from "./node-usage.ts";

/** One sample costs the engine 3-6 ms: a node full of containers must not keep it busy. */
const MAX_CONCURRENT_SAMPLES = 4;
/** Two looks closer together than this give the same answer: the difference between them would be noise. */
const SHORTEST_SPAN_MS = 500;

interface Sampled {
  readonly stats: EngineStats;
  readonly sample: ContainerSample;
}

/** Measures what containers and the node use. Processor use is the difference of two looks, so the first look shows none. */
export class Sampler {
  readonly #engine: Engine;
  readonly #table: ContainerTable;
  readonly #usage: NodeUsage;
  readonly #clock: Clock;
  readonly #gate = new Gate(MAX_CONCURRENT_SAMPLES);
  #last = new Map<string, Sampled>();

  constructor(parts: { readonly engine: Engine; readonly table: ContainerTable; readonly usage: NodeUsage; readonly clock: Clock }) {
    this.#engine = parts.engine;
    this.#table = parts.table;
    this.#usage = parts.usage;
    this.#clock = parts.clock;
  }

  /** The running containers of these placements, or all; those that cannot be measured are left out. */
  async containers(placementIds?: readonly string[]): Promise<readonly ContainerSample[]> {
    const wanted = placementIds === undefined ? undefined : new Set(placementIds);
    const all = this.#table.all();
    const known = new Set(all.map((container) => container.containerId));
    for (const containerId of this.#last.keys()) if (!known.has(containerId)) this.#last.delete(containerId);
    const running = all.filter(
      (container) => container.state === "running" && (wanted === undefined || wanted.has(container.labels[LABEL.placement] ?? "")),
    );
    const samples = await Promise.all(
      running.map((container) => this.#gate.run(() => this.#sample(container.containerId, container.labels[LABEL.placement] ?? ""))),
    );
    return samples.filter((sample) => sample !== undefined);
  }

  async node(): Promise<NodeSample> {
    const [used, disk] = await Promise.all([this.#usage.read(), this.#disk()]);
    const containers = this.#table.all().filter((container) => container.state === "running").length;
    return { atMs: this.#clock.nowMs(), ...used, diskUsedBytes: disk, containers };
  }

  async #sample(containerId: string, placementId: string): Promise<ContainerSample | undefined> {
    const last = this.#last.get(containerId);
    if (last !== undefined && Math.abs(this.#clock.nowMs() - last.stats.atMs) < SHORTEST_SPAN_MS) return last.sample;
    const stats = await unlessFailed(this.#engine.stats(containerId));
    if (stats === undefined) return undefined;
    const sample = sampleOf(placementId, stats, last?.stats);
    this.#last.set(containerId, { stats, sample });
    return sample;
  }

  async #disk(): Promise<number> {
    return (await unlessFailed(this.#engine.disk()))?.usedBytes ?? 0;
  }
}

function sampleOf(placementId: string, stats: EngineStats, before: EngineStats | undefined): ContainerSample {
  const spanMs = before === undefined ? 0 : stats.atMs - before.atMs;
  const cpuUsedMillis =
    before === undefined || spanMs <= 0 ? 0 : Math.max(0, Math.round((stats.cpuTotalNs - before.cpuTotalNs) / 1_000 / spanMs));
  return {
    placementId,
    atMs: stats.atMs,
    cpuUsedMillis,
    memoryUsedBytes: stats.memoryUsedBytes,
    ...(stats.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: stats.memoryLimitBytes }),
    rxBytes: stats.rxBytes,
    txBytes: stats.txBytes,
    pids: stats.pids,
  };
}

/** A sample that cannot be had is left out; the engine's absence is told elsewhere. */
async function unlessFailed<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked;
  } catch (cause) {
    if (!(cause instanceof EngineFailure)) throw cause;
    return undefined;
  }
}
