import { MINIMUM_ENGINE_MAJOR } from "../actors/node/contract.ts";
import { type NodeFacts, UNKNOWN_ENGINE_VERSION } from "../actors/node/observed-contract.ts";
import type { Bus } from "../runtime/bus.ts";
import type { Timer } from "../runtime/clock.ts";
import { Agent, type AgentParts } from "./agent.ts";
import { linkOverBus } from "./control-plane-link.ts";
import { EngineFailure, type EngineInfo } from "./engine/port.ts";
import type { FileShelf } from "./file-shelf.ts";
import { Heartbeat } from "./heartbeat.ts";
import { ImageReport } from "./image-report.ts";
import { IngressKeeper } from "./ingress/ingress-keeper.ts";
import type { Proxy } from "./ingress/proxy.ts";
import { LogStreams } from "./log-streams.ts";
import type { NodeUsage } from "./node-usage.ts";
import { PlacementFiles } from "./placement-files.ts";
import { Reporter } from "./reporter.ts";
import { serveRequests } from "./requests.ts";
import { Sampler } from "./sampler.ts";

/** The first hello waits so long for an engine that is slow to answer; its answer is then told later. */
const FIRST_LOOK_MS = 1_000;
/** Before an engine that answers, and did not say what the machine is, is asked for it again. */
const FACTS_RETRY_MS = 5_000;

export interface AgentSettings extends Omit<AgentParts, "files"> {
  readonly bus: Bus;
  /** For files of containers. */
  readonly shelf: FileShelf;
  readonly usage: NodeUsage;
  readonly proxy: Proxy;
  readonly agentVersion: string;
  /** What constraints are matched against. */
  readonly labels: Readonly<Record<string, string>>;
  /** Why the node is below what is supported, as far as its starter knows; each one sentence. */
  readonly degraded: readonly string[];
}

export interface RunningAgent {
  /** For whoever looks from the same process, such as a simulation. */
  readonly agent: Agent;
  /** Resolves when nothing runs any more. Containers stay as they are. */
  stop(): Promise<void>;
}

/** Starts the agent of one node. It works at once from what its disk remembers, whether or not engine and control plane answer. Rejects with `DiskFailure`. */
export async function startAgent(settings: AgentSettings): Promise<RunningAgent> {
  const { engine, bus, clock, random, log, tenant, node } = settings;
  const session = random.id();
  const link = linkOverBus(bus, settings, session);
  const files = new PlacementFiles(settings.shelf, (placementId, file) => link.file(placementId, file), log);
  const agent = new Agent({ ...settings, files });
  const facts = new Facts(settings, () => agent.engineRefusal);
  const ingress = new IngressKeeper({
    tenant,
    node,
    proxy: settings.proxy,
    disk: settings.disk,
    log,
    record: (id) => agent.record(id),
    refusal: () => agent.engineRefusal,
  });
  const reporter = new Reporter({ agent, link, clock, random, log, session, facts: () => facts.current, ingress: () => ingress.status });
  const sampler = new Sampler({ engine, table: agent.table, usage: settings.usage, clock });
  const streams = new LogStreams({ tenant, node, agent, engine, bus, clock });

  let isIntroduced = false;
  let isStopped = false;
  let retry: Timer | undefined;
  const learn = async (): Promise<void> => {
    const isKnown = await facts.refresh();
    if (isIntroduced) reporter.resync();
    // One that is away is asked when it comes back.
    retry?.cancel();
    if (!isKnown && agent.engine === "reachable" && !isStopped) retry = clock.after(FACTS_RETRY_MS, () => void learn());
  };
  let images: ImageReport | undefined;
  const { looked } = await agent.start({
    changed: (placementId) => {
      reporter.changed(placementId);
      streams.changed(placementId);
      ingress.placementChanged(placementId);
    },
    imagesChanged: () => images?.changed(),
    engineChanged: () => {
      if (!isIntroduced) return;
      images?.changed();
      ingress.engineChanged();
      void learn();
    },
  });
  await Promise.race([Promise.all([looked, learn()]), new Promise<void>((resolve) => clock.after(FIRST_LOOK_MS, resolve))]);
  await ingress.start(() => reporter.ingressChanged());
  const requests = serveRequests({ tenant, node, agent, ingress, engine, bus, clock, sampler, streams });
  const counts = () => ingress.counts();
  images = new ImageReport({ engine, link, clock, session });
  const heartbeat = new Heartbeat({ agent, link, reporter, sampler, images, counts, clock, random, session });
  isIntroduced = true;
  reporter.begin();
  return {
    agent,
    async stop() {
      isStopped = true;
      retry?.cancel();
      requests.stop();
      heartbeat.stop();
      images.stop();
      streams.stop();
      reporter.stop();
      await ingress.stop();
      await agent.stop();
    },
  };
}

const MAX_NAME_CHARS = 50;

/** What is true of the node, as far as the engine has ever said. */
class Facts {
  readonly #settings: AgentSettings;
  readonly #refusal: () => string | undefined;
  #info: EngineInfo | undefined;
  #diskBytes = 0;

  constructor(settings: AgentSettings, refusal: () => string | undefined) {
    this.#settings = settings;
    this.#refusal = refusal;
  }

  /** Whether the engine has said what the machine is, now or before. */
  async refresh(): Promise<boolean> {
    const { engine } = this.#settings;
    this.#info = (await known(() => engine.info())) ?? this.#info;
    this.#diskBytes = (await known(() => engine.disk()))?.totalBytes ?? this.#diskBytes;
    return this.#info !== undefined;
  }

  get current(): NodeFacts {
    const { agentVersion, labels, address, degraded, node, allows } = this.#settings;
    const info = this.#info;
    const engineRefusal = this.#refusal();
    return {
      hostname: info?.hostname ?? node,
      agentVersion,
      engineVersion: (info?.version ?? UNKNOWN_ENGINE_VERSION).slice(0, MAX_NAME_CHARS),
      os: info?.os ?? "linux",
      arch: info?.arch ?? "unknown",
      cpuMillis: info?.cpuMillis ?? 0,
      memoryBytes: info?.memoryBytes ?? 0,
      diskBytes: this.#diskBytes,
      labels: { ...labels },
      address,
      degraded: [...degraded, ...tooOld(info)],
      allows,
      ...(engineRefusal === undefined ? {} : { engineRefusal }),
    };
  }
}

function tooOld(info: EngineInfo | undefined): readonly string[] {
  const major = Number.parseInt(info?.version ?? "", 10);
  if (info === undefined || !Number.isFinite(major) || major >= MINIMUM_ENGINE_MAJOR) return [];
  return [`Docker Engine ${info.version} is older than ${MINIMUM_ENGINE_MAJOR}: update it`];
}

async function known<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof EngineFailure)) throw cause;
    return undefined;
  }
}
