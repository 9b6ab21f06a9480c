import type { LogLine } from "../../actors/node/contract.ts";
import type { Failure } from "../../actors/node/observed-contract.ts";
import type { ContainerSettings, FurtherLimits, Hook } from "../../actors/deployment/container-contract.ts";
import type { PinnedImage, PullPolicy } from "../../actors/deployment/contract.ts";
import type { NodeImage } from "../../actors/node/images-contract.ts";
import type { Network } from "../../actors/deployment/network-contract.ts";
import type { EngineClaim } from "./ownership.ts";

/**
 * What the agent needs of a container engine. Two implementations, Docker and simulated, pass one contract test. Every call has a deadline of its own
 * and rejects with `EngineFailure` alone.
 */
export interface Engine {
  info(): Promise<EngineInfo>;
  /** Makes the engine ours, unless it is another node's or has something of another tenant. Asked before anything else, and again after it was away. */
  claim(): Promise<EngineClaim>;
  /** Containers that carry our tenant and node labels, in any state. */
  list(): Promise<readonly ObservedContainer[]>;
  inspect(containerId: string): Promise<ObservedContainer | undefined>;
  hasImage(image: PinnedImage): Promise<boolean>;
  /** Every image, whoever brought it. */
  images(): Promise<EngineImages>;
  /** Resolves once the image is there. */
  pull(image: PinnedImage, progress: (doneBytes: number, totalBytes: number) => void, signal: AbortSignal): Promise<void>;
  /** As the registry has it; with `never`, as the engine has it itself. */
  resolve(
    reference: string,
    pull?: PullPolicy,
  ): Promise<{ readonly image: PinnedImage; readonly platforms: readonly { readonly os: string; readonly arch: string }[] }>;
  /** Creates, does not start. Answers the container's id. A name that exists already with the same labels is that container. */
  create(container: DesiredContainer): Promise<string>;
  start(containerId: string): Promise<void>;
  /** Signal, then SIGKILL after the grace. Resolves when it no longer runs; a container that is gone counts as stopped. */
  stop(containerId: string, signal: string, graceMs: number): Promise<void>;
  /** `already-running`: it was not this call that did it. Somebody else was quicker, or there was no pause: Docker tells some of them twice. */
  unpause(containerId: string): Promise<"unpaused" | "already-running">;
  /** With its anonymous volumes; forced. A container that is gone counts as removed. */
  remove(containerId: string): Promise<void>;
  /** With its data. One that is gone counts as removed; rejects while a container is on it. */
  removeVolume(name: string): Promise<void>;
  /** Networks of ours that are not kept and that no container is on. */
  removeUnusedNetworks(kept: ReadonlySet<string>): Promise<void>;
  /** Runs a command in a container; output is cut at 4,000 characters. */
  exec(
    containerId: string,
    command: readonly string[],
    timeoutMs: number,
    as?: ExecIdentity,
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
  /** Lines without placement; the caller knows whose they are. Ends when the container ends (follow) or after the last line. */
  logs(containerId: string, query: LogQuery): AsyncIterable<EngineLogLine>;
  /** One shot, 3-6 ms. Undefined when the container does not run. */
  stats(containerId: string): Promise<EngineStats | undefined>;
  /** Whether the kernel killed a process of this container for memory, from the engine's events and the cgroup's counters. */
  outOfMemory(containerId: string): Promise<boolean>;
  /** Events of our containers, of all images, and of the engine itself. Reconnects by itself; each reconnection is an event, because events may have been missed. */
  watch(listener: (event: EngineEvent) => void): { stop(): void };
  /** Disk of the engine's data root. */
  disk(): Promise<{ readonly totalBytes: number; readonly usedBytes: number }>;
}

/** As whom and where a command runs; what is absent is as for the container's own process. */
export type ExecIdentity = Omit<Hook, "command">;

export interface EngineInfo {
  readonly version: string;
  readonly apiVersion: string;
  readonly os: string;
  readonly arch: string;
  readonly hostname: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

export interface EngineImages {
  readonly images: readonly NodeImage[];
  /** Of all layers, each counted once. Undefined: the engine does not say. */
  readonly diskBytes: number | undefined;
}

export interface DesiredContainer {
  readonly name: string;
  readonly image: PinnedImage;
  readonly labels: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly {
    readonly containerPort: number;
    readonly publishedPort: number | undefined;
    /** Of the node, where it is published. Undefined: on all of them. */
    readonly address?: string | undefined;
    readonly protocol: "tcp" | "udp";
  }[];
  readonly cpuLimitMillis: number | undefined;
  readonly memoryLimitBytes: number | undefined;
  readonly user: string | undefined;
  readonly workingDirectory: string | undefined;
  readonly stopSignal: string;
  readonly stopGraceMs: number;
  /** Undefined: the node's own, or what the engine chooses. */
  readonly hostname: string | undefined;
  readonly mounts: readonly EngineMount[];
  /** Empty: the engine's own. */
  readonly networks: readonly EngineNetwork[];
  readonly settings: ContainerSettings;
  readonly limits: FurtherLimits;
}

/** In the engine's own name. */
export interface EngineNetwork {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Undefined: as the engine chooses. */
  readonly ipv4Address: string | undefined;
  readonly ipv6Address: string | undefined;
  /** Undefined: it must be there already. Otherwise it is made where it is missing. */
  readonly make:
    | {
        readonly internal: boolean;
        readonly ipv6: boolean;
        readonly driverOptions: Readonly<Record<string, string>>;
        readonly subnets: NonNullable<Network["subnets"]>;
        readonly labels: Readonly<Record<string, string>>;
      }
    | undefined;
}

/** In the engine's own names and paths. */
export type EngineMount =
  | {
      readonly kind: "volume";
      readonly name: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly noCopy: boolean;
      readonly subpath: string | undefined;
      /** Undefined: it must be there already. Otherwise it is made where it is missing. */
      readonly make:
        | { readonly labels: Readonly<Record<string, string>>; readonly driverOptions: Readonly<Record<string, string>> }
        | undefined;
    }
  /** Gone with the container. */
  | { readonly kind: "anonymous"; readonly target: string }
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly propagation: string | undefined;
      readonly shallow: boolean;
      readonly createSource: boolean;
    };

export interface ObservedContainer {
  readonly containerId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "created" | "running" | "paused" | "restarting" | "exited" | "dead" | "removing";
  readonly exitCode: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number | undefined;
  /** Engine's message about a failed start. */
  readonly error: string;
  /** Reachable from the host: for HTTP and TCP probes. */
  readonly address: string | undefined;
  /** Names of those it is on. */
  readonly networks: readonly string[];
  /** Hash over what we set at creation and what is set now; differs from the label when edited by hand (docker update, ...). Undefined where only `inspect` can tell. */
  readonly settings: string | undefined;
}

export interface LogQuery {
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly sinceMs: number | undefined;
  readonly streams: readonly ("stdout" | "stderr")[];
  readonly signal: AbortSignal;
}
export type EngineLogLine = Pick<LogLine, "stream" | "atMs" | "text">;

export interface EngineStats {
  readonly atMs: number;
  /** Total processor time of the container so far; use is the difference of two samples. */
  readonly cpuTotalNs: number;
  readonly memoryUsedBytes: number;
  readonly memoryLimitBytes: number | undefined;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly pids: number;
}

export type EngineEvent =
  | {
      readonly kind: "container";
      readonly action: "start" | "die" | "oom" | "pause" | "unpause" | "destroy" | "update" | "rename" | "stop" | "kill";
      readonly containerId: string;
      readonly exitCode?: number;
    }
  /** An image came, went, or has other names. */
  | { readonly kind: "images" }
  | { readonly kind: "connected" }
  | { readonly kind: "disconnected"; readonly reason: string };

/** `failure` in the words of the contract, ready to be shown. */
export class EngineFailure extends Error {
  readonly failure: Omit<Failure, "atMs">;
  constructor(failure: Omit<Failure, "atMs">, cause?: unknown) {
    super(failure.message, { cause });
    this.name = "EngineFailure";
    this.failure = failure;
  }
}
