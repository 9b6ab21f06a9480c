import type { Clock } from "../runtime/clock.ts";
import { type Engine, type EngineEvent, EngineFailure, type ObservedContainer } from "./engine/port.ts";
import type { Gate } from "./gate.ts";
import { LABEL } from "./labels.ts";
import type { KnownContainer } from "./plan.ts";

type ContainerEvent = Extract<EngineEvent, { kind: "container" }>;

interface Entry {
  readonly container: KnownContainer;
  /** Counts what was learnt of it, so that an answer older than an event is not believed. */
  readonly version: number;
}

/** What one look at the engine changed. */
export type Look = "first" | "again" | "after-absence";

/** What the engine holds of ours, kept true by its events and by looking again. */
export class ContainerTable {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #identity: { readonly tenant: string; readonly node: string };
  readonly #entries = new Map<string, Entry>();
  /** Containers that are gone for good: an answer that was on its way must not bring them back. Cleared by each look. */
  readonly #gone = new Set<string>();
  #version = 0;

  constructor(engine: Engine, clock: Clock, identity: { readonly tenant: string; readonly node: string }) {
    this.#engine = engine;
    this.#clock = clock;
    this.#identity = identity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(containerId: string): KnownContainer | undefined {
    return this.#entries.get(containerId)?.container;
  }

  all(): readonly KnownContainer[] {
    return [...this.#entries.values()].map((entry) => entry.container);
  }

  /** Only labels make a container ours: those of this tenant and this node. */
  isOurs(container: Pick<ObservedContainer, "labels">): boolean {
    const { labels } = container;
    return (
      labels[LABEL.tenant] === this.#identity.tenant && labels[LABEL.node] === this.#identity.node && labels[LABEL.placement] !== undefined
    );
  }

  /** Just made by us; the engine need not be asked what it is. */
  created(containerId: string, name: string, labels: Readonly<Record<string, string>>): void {
    if (this.#entries.has(containerId) || this.#gone.has(containerId)) return;
    this.#put({
      containerId,
      name,
      labels,
      state: "created",
      exitCode: undefined,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      error: "",
      address: undefined,
      networks: labels[LABEL.networks]?.split(" ") ?? [],
      settings: undefined,
      hint: "none",
    });
  }

  /** Started, stopped or unpaused by us. A container that ended in the meantime stays ended. */
  moved(containerId: string, state: "running" | "exited"): void {
    const container = this.get(containerId);
    if (container === undefined || container.state === "exited" || container.state === state) return;
    this.#put({ ...container, state, ...(state === "running" ? { startedAtMs: container.startedAtMs ?? this.#clock.nowMs() } : {}) });
  }

  removed(containerId: string): void {
    this.#gone.add(containerId);
    this.#entries.delete(containerId);
  }

  /** Believes an event of a container it knows. Answers whether the engine has to be asked for more. */
  noted(event: ContainerEvent): "known" | "ask" {
    const container = this.get(event.containerId);
    if (container === undefined) return event.action === "start" && !this.#gone.has(event.containerId) ? "ask" : "known";
    switch (event.action) {
      case "start":
      case "unpause":
        this.#put({ ...container, state: "running" });
        return "known";
      case "die":
        this.#put({ ...container, state: "exited", exitCode: event.exitCode, finishedAtMs: this.#clock.nowMs() });
        return "known";
      case "oom":
        this.#put({ ...container, hint: "oom" });
        return "known";
      case "pause":
        if (container.state === "running") this.#put({ ...container, state: "paused" });
        return "known";
      case "destroy":
        this.removed(event.containerId);
        return "known";
      case "update":
      case "rename":
        return "ask";
      case "stop":
        // Told before or after `die`, as it happens.
        if (container.state !== "exited" && container.hint === "none") this.#put({ ...container, hint: "stopped" });
        return "known";
      case "kill":
        return "known";
      default:
        return event.action satisfies never;
    }
  }

  /** Asks the engine about one container. Rejects with `EngineFailure`. */
  async inspect(containerId: string): Promise<KnownContainer | undefined> {
    const before = this.#entries.get(containerId)?.version;
    const observed = await this.#engine.inspect(containerId);
    if (this.#entries.get(containerId)?.version !== before) return this.get(containerId);
    if (observed === undefined) {
      this.removed(containerId);
      return undefined;
    }
    if (this.#gone.has(containerId) || !this.isOurs(observed)) return undefined;
    this.#put(this.#merged(observed, "again"));
    return this.get(containerId);
  }

  /** Asks the engine about everything. Rejects with `EngineFailure`; the table is then as before. */
  async look(kind: Look, gate: Gate): Promise<void> {
    if (kind === "after-absence") this.#blameEngine();
    const since = this.#version;
    this.#gone.clear();
    const listed = (await this.#engine.list()).filter((container) => this.isOurs(container));
    const ids = new Set(listed.map((container) => container.containerId));
    for (const [containerId, entry] of this.#entries) {
      if (!ids.has(containerId) && entry.version <= since) this.#entries.delete(containerId);
    }
    for (const container of listed) {
      if (this.#gone.has(container.containerId)) continue;
      if ((this.#entries.get(container.containerId)?.version ?? 0) <= since) this.#put(this.#merged(container, kind));
    }
    if (kind === "again") return;
    const running = listed.filter((container) => container.state === "running" || container.state === "paused");
    await Promise.all(running.map((container) => gate.run(() => this.#inspectIfThere(container.containerId))));
  }

  /** An engine that goes down takes its containers along, and may tell of it to the last: an end that nobody has dealt with yet has that reason. */
  #blameEngine(): void {
    for (const { container } of this.#entries.values()) {
      const isOver = container.state === "exited" && container.hint === "none";
      if (isOver || container.hint === "stopped") this.#put({ ...container, hint: "lost" });
    }
  }

  async #inspectIfThere(containerId: string): Promise<void> {
    try {
      await this.inspect(containerId);
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      // A list was answered; what one container's settings are is learnt with its next event.
    }
  }

  #merged(observed: ObservedContainer, kind: Look): KnownContainer {
    const known = this.get(observed.containerId);
    const isNewlyOver = observed.state === "exited" && known?.state !== "exited";
    const hint = known?.hint ?? "none";
    return {
      ...observed,
      address: observed.address ?? known?.address,
      settings: observed.settings ?? known?.settings,
      hint: hint === "none" && isNewlyOver && kind === "after-absence" ? "lost" : hint,
    };
  }

  #put(container: KnownContainer): void {
    this.#version += 1;
    this.#entries.set(container.containerId, { container, version: this.#version });
  }
}
