import type { Clock } from "../../runtime/clock.ts";
import type { DesiredContainer, EngineEvent } from "./port.ts";
import type { EngineOwner } from "./owner.ts";
import type { SimulatedContainer } from "./simulated-container.ts";
import { LABEL } from "../labels.ts";
import { engineFailures } from "./failures.ts";
import { claimOf, foreignTenantAmong, type EngineClaim } from "./ownership.ts";

const EVENT_DELAY_MS = 2;

/** What is on one simulated machine: containers, taken ports, and who listens to its engine. */
export class SimulatedHost {
  readonly #clock: Clock;
  readonly #owner: EngineOwner;
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #claim: Readonly<Record<string, string>> | undefined;
  readonly #foreignPorts = new Set<string>();

  constructor(clock: Clock, owner: EngineOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** The first who asks has it. */
  claim(owner: EngineOwner): EngineClaim {
    const refused = foreignTenantAmong(
      owner,
      this.containers.map(({ desired }) => desired.labels),
    );
    if (refused !== undefined) return refused;
    this.#claim ??= { [LABEL.tenant]: owner.tenant, [LABEL.node]: owner.node };
    return claimOf(owner, this.#claim);
  }

  get containers(): readonly SimulatedContainer[] {
    return [...this.#containers.values()];
  }

  get owned(): readonly SimulatedContainer[] {
    return this.containers.filter((item) => this.#isOwned(item.desired));
  }

  find(containerId: string): SimulatedContainer | undefined {
    return this.#containers.get(containerId);
  }

  existing(containerId: string, doing: string): SimulatedContainer {
    const container = this.#containers.get(containerId);
    if (container === undefined) throw engineFailures.engineError(doing, `there is no container ${containerId.slice(0, 12)}`);
    return container;
  }

  add(container: SimulatedContainer): void {
    this.#containers.set(container.containerId, container);
  }

  /** With its process. False: there was none. */
  destroy(containerId: string): boolean {
    const container = this.#containers.get(containerId);
    if (container === undefined) return false;
    container.kill();
    this.#containers.delete(containerId);
    container.output.interrupt();
    return true;
  }

  /** The first port of this container that something else holds. */
  takenPort(container: SimulatedContainer): string | undefined {
    const others = this.containers.filter((item) => item !== container && item.alive).flatMap((item) => publishedPorts(item.desired));
    return publishedPorts(container.desired).find((port) => this.#foreignPorts.has(port) || others.includes(port));
  }

  occupyPort(port: string): void {
    this.#foreignPorts.add(port);
  }

  releasePort(port: string): void {
    this.#foreignPorts.delete(port);
  }

  /** Hears the first event a moment later. */
  listen(listener: (event: EngineEvent) => void, first: EngineEvent): { stop(): void } {
    this.#listeners.add(listener);
    this.#deliver(listener, first);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  announce(event: EngineEvent): void {
    for (const listener of this.#listeners) this.#deliver(listener, event);
  }

  /** Of containers that are not the owner's nobody hears. */
  announceContainer(desired: DesiredContainer, event: EngineEvent): void {
    if (this.#isOwned(desired)) this.announce(event);
  }

  #isOwned({ labels }: DesiredContainer): boolean {
    return labels[LABEL.tenant] === this.#owner.tenant && labels[LABEL.node] === this.#owner.node;
  }

  #deliver(listener: (event: EngineEvent) => void, event: EngineEvent): void {
    this.#clock.after(EVENT_DELAY_MS, () => {
      if (this.#listeners.has(listener)) listener(event);
    });
  }
}

function publishedPorts(desired: DesiredContainer): readonly string[] {
  return desired.ports.flatMap((port) => (port.publishedPort === undefined ? [] : [`${port.publishedPort}/${port.protocol}`]));
}
