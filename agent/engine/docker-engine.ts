import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { PinnedImage, PullPolicy } from "../../actors/deployment/contract.ts";
import type { Clock, Random } from "../../runtime/clock.ts";
import { LABEL } from "../labels.ts";
import type {
  DesiredContainer,
  Engine,
  EngineEvent,
  EngineImages,
  EngineInfo,
  EngineLogLine,
  EngineStats,
  ExecIdentity,
  LogQuery,
  ObservedContainer,
} from "./port.ts";
import type { EngineOwner } from "./owner.ts";
import type { EngineClaim } from "./ownership.ts";
import { claimEngine } from "./docker-claim.ts";
import { DockerConnection } from "./docker-connection.ts";
import { DockerEvents } from "./docker-events.ts";
import { ListedContainer, observedFromInspect, observedFromList } from "./docker-observed.ts";
import { MemoryKills } from "./docker-memory.ts";
import { createContainer, inspectByName } from "./docker-create.ts";
import { engineFailures } from "./failures.ts";
import { DockerImageList } from "./docker-image-list.ts";
import { engineName, inspectImage, resolveImage, resolveOwnImage } from "./docker-images.ts";
import { removeUnusedNetworks } from "./docker-networks.ts";
import { pullImage } from "./docker-pull.ts";
import { readLogs } from "./docker-logs.ts";
import { readStats } from "./docker-stats.ts";
import { runInContainer } from "./docker-exec.ts";
import { statusOf } from "./docker-errors.ts";

export interface DockerEngineSettings {
  readonly socketPath: string;
  readonly owner: EngineOwner;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the engine's data root is in the agent's own file system; absent: where the engine says it is. */
  readonly dataRoot?: string;
}

const CALL_DEADLINE_MS = 10_000;
const LIST_DEADLINE_MS = 30_000;
const START_DEADLINE_MS = 60_000;
const REMOVE_DEADLINE_MS = 60_000;
/** An engine needs a while after the SIGKILL to tidy up. */
const STOP_MARGIN_MS = 20_000;
const REMOVAL_POLL_MS = 100;
const NOT_FOUND = 404;
const CONFLICT = 409;

const Version = z.object({ Version: z.string(), ApiVersion: z.string(), Os: z.string(), Arch: z.string() });
const Info = z.object({ Name: z.string(), NCPU: z.number(), MemTotal: z.number(), DockerRootDir: z.string() });

const doings = { start: "starting", stop: "stopping", unpause: "unpausing" } as const;

/** A Docker engine over its socket. Shows and touches the containers of one owner alone. */
export class DockerEngine implements Engine {
  readonly #settings: DockerEngineSettings;
  readonly #connection: DockerConnection;
  readonly #imageList: DockerImageList;
  readonly #memoryKills = new MemoryKills();
  /** Facts that last as long as the engine runs; asked again whenever `info` is. */
  #facts: Promise<{ readonly info: EngineInfo; readonly dataRoot: string }> | undefined;

  constructor(settings: DockerEngineSettings) {
    this.#settings = settings;
    this.#connection = new DockerConnection(settings.socketPath, settings.clock);
    this.#imageList = new DockerImageList(this.#connection);
  }

  async info(): Promise<EngineInfo> {
    this.#facts = undefined;
    return (await this.#known()).info;
  }

  claim(): Promise<EngineClaim> {
    return claimEngine(this.#connection, this.#settings.owner);
  }

  async list(): Promise<readonly ObservedContainer[]> {
    const { tenant, node } = this.#settings.owner;
    const filters = JSON.stringify({ label: [`${LABEL.tenant}=${tenant}`, `${LABEL.node}=${node}`] });
    const call = {
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
      doing: "listing containers",
      deadlineMs: LIST_DEADLINE_MS,
    } as const;
    return (await this.#connection.ask(call, z.array(ListedContainer))).map(observedFromList);
  }

  async inspect(containerId: string): Promise<ObservedContainer | undefined> {
    const found = await inspectByName(this.#connection, containerId);
    return found === undefined ? undefined : observedFromInspect(found);
  }

  async hasImage(image: PinnedImage): Promise<boolean> {
    return (await inspectImage(this.#connection, engineName(image), image.reference)) !== undefined;
  }

  images(): Promise<EngineImages> {
    return this.#imageList.read();
  }

  pull(image: PinnedImage, progress: (doneBytes: number, totalBytes: number) => void, signal: AbortSignal): Promise<void> {
    return pullImage(this.#connection, image, progress, signal);
  }

  resolve(reference: string, pull?: PullPolicy): ReturnType<Engine["resolve"]> {
    return pull === "never" ? resolveOwnImage(this.#connection, reference) : resolveImage(this.#connection, reference);
  }

  async create(container: DesiredContainer): Promise<string> {
    return createContainer(this.#connection, container, (await this.#known()).info);
  }

  start(containerId: string): Promise<void> {
    return this.#order(containerId, "start", {}, START_DEADLINE_MS);
  }

  async stop(containerId: string, signal: string, graceMs: number): Promise<void> {
    const query = { signal, t: Math.ceil(graceMs / 1_000) };
    await this.#unlessGone(this.#order(containerId, "stop", query, graceMs + STOP_MARGIN_MS));
  }

  /**
   * Docker hears of a pause from its API and once more from containerd. When that comes after the unpause, the container is called paused again for some
   * milliseconds, with an event of its own: to unpause it is then refused, and what it is called corrects itself.
   */
  async unpause(containerId: string): ReturnType<Engine["unpause"]> {
    try {
      await this.#order(containerId, "unpause", {}, CALL_DEADLINE_MS);
      return "unpaused";
    } catch (error) {
      if ((await this.inspect(containerId))?.state !== "running") throw error;
      return "already-running";
    }
  }

  async remove(containerId: string): Promise<void> {
    const doing = `removing ${containerId.slice(0, 12)}`;
    const call = {
      method: "DELETE",
      path: `/containers/${containerId}`,
      query: { force: true, v: true },
      doing,
      deadlineMs: REMOVE_DEADLINE_MS,
    } as const;
    try {
      await this.#unlessGone(this.#connection.command(call));
    } catch (error) {
      if (statusOf(error) !== CONFLICT) throw error;
      await this.#untilGone(containerId, error);
    }
  }

  removeVolume(name: string): Promise<void> {
    const call = {
      method: "DELETE",
      path: `/volumes/${name}`,
      doing: `removing the volume ${name}`,
      deadlineMs: REMOVE_DEADLINE_MS,
    } as const;
    return this.#unlessGone(this.#connection.command(call));
  }

  removeUnusedNetworks(kept: ReadonlySet<string>): Promise<void> {
    return removeUnusedNetworks(this.#connection, this.#settings.owner, kept);
  }

  exec(
    containerId: string,
    command: readonly string[],
    timeoutMs: number,
    as?: ExecIdentity,
  ): Promise<{ readonly exitCode: number; readonly output: string }> {
    return runInContainer(this.#connection, containerId, command, timeoutMs, as);
  }

  logs(containerId: string, query: LogQuery): AsyncIterable<EngineLogLine> {
    return readLogs(this.#connection, containerId, query);
  }

  async stats(containerId: string): Promise<EngineStats | undefined> {
    return readStats(this.#connection, containerId, (await this.#known()).info.memoryBytes);
  }

  async outOfMemory(containerId: string): Promise<boolean> {
    return this.#memoryKills.happened(containerId, await inspectByName(this.#connection, containerId));
  }

  watch(listener: (event: EngineEvent) => void): { stop(): void } {
    return new DockerEvents(this.#connection, this.#settings.random, this.#settings.owner, (event) => {
      this.#memoryKills.note(event);
      listener(event);
    });
  }

  async disk(): Promise<{ readonly totalBytes: number; readonly usedBytes: number }> {
    return diskOf(this.#settings.dataRoot ?? (await this.#known()).dataRoot);
  }

  /** Lets go of idle connections. */
  close(): void {
    this.#connection.close();
  }

  #known(): Promise<{ readonly info: EngineInfo; readonly dataRoot: string }> {
    this.#facts ??= this.#learn().catch((error: unknown) => {
      this.#facts = undefined;
      throw error;
    });
    return this.#facts;
  }

  async #learn(): Promise<{ readonly info: EngineInfo; readonly dataRoot: string }> {
    const call = { method: "GET", doing: "asking what it is", deadlineMs: CALL_DEADLINE_MS } as const;
    const [version, info] = await Promise.all([
      this.#connection.ask({ ...call, path: "/version" }, Version),
      this.#connection.ask({ ...call, path: "/info" }, Info),
    ]);
    return {
      dataRoot: info.DockerRootDir,
      info: {
        version: version.Version,
        apiVersion: version.ApiVersion,
        os: version.Os,
        arch: version.Arch,
        hostname: info.Name,
        cpuMillis: info.NCPU * 1_000,
        memoryBytes: info.MemTotal,
      },
    };
  }

  /** A state the container is in already (304) is fine. */
  #order(containerId: string, verb: keyof typeof doings, query: Readonly<Record<string, unknown>>, deadlineMs: number): Promise<void> {
    const doing = `${doings[verb]} ${containerId.slice(0, 12)}`;
    return this.#connection.command({ method: "POST", path: `/containers/${containerId}/${verb}`, query, doing, deadlineMs });
  }

  async #unlessGone(call: Promise<void>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (statusOf(error) !== NOT_FOUND) throw error;
    }
  }

  /** Somebody else's removal is under way. */
  async #untilGone(containerId: string, error: unknown): Promise<void> {
    const { clock } = this.#settings;
    const deadlineMs = clock.monotonicMs() + REMOVE_DEADLINE_MS;
    while ((await this.inspect(containerId)) !== undefined) {
      if (clock.monotonicMs() > deadlineMs) throw error;
      await new Promise<void>((resolve) => void clock.after(REMOVAL_POLL_MS, resolve));
    }
  }
}

/** An agent that may not look into the data root measures the nearest folder above it, which is on the same disk unless somebody mounted one in between. */
async function diskOf(path: string): Promise<{ readonly totalBytes: number; readonly usedBytes: number }> {
  try {
    const { bsize, blocks, bfree } = await statfs(path);
    return { totalBytes: bsize * blocks, usedBytes: bsize * (blocks - bfree) };
  } catch (error) {
    if (path === dirname(path)) throw engineFailures.engineError("measuring its disk", `${path} cannot be looked at from here`, error);
    return diskOf(dirname(path));
  }
}
