import { FLAWLESS, type FaultyNetwork } from "../../runtime/simulation/faulty-network.ts";
import { SOUND_DISK, type DiskFault } from "../../runtime/simulation/faulty-journal.ts";
import type { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import type { SimulatedRegistry } from "../../agent/engine/simulated-registry.ts";
import type { SimControlPlane } from "./sim-control-plane.ts";
import type { SimNode } from "./sim-node.ts";
import type { Trace } from "./trace.ts";
import { oneOf } from "./ingredients.ts";

const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 9_000;
const LONGEST_OUTAGE_MS = 25_000;
const LONGEST_CLOCK_ERROR_MS = 90_000;
const SLOWEST_PROXY_MS = 5_000;
const USUAL_PROXY_MS = 90;
const EDITED_MEMORY_BYTES = 64 * 1024 * 1024;

export interface SaboteurParts {
  readonly loop: SimLoop;
  readonly network: FaultyNetwork;
  readonly registry: SimulatedRegistry;
  readonly controlPlane: SimControlPlane;
  readonly nodes: readonly SimNode[];
  readonly trace: Trace;
}

/** Begins a fault and answers what ends it; undefined: it is over at once, or ends by itself. */
type Fault = (saboteur: Saboteur, node: SimNode) => (() => void) | undefined;

/** Breaks things at times the seed decides, and mends them again. */
export class Saboteur {
  readonly parts: SaboteurParts;
  readonly #mending = new Set<() => void>();
  #isActive = false;

  constructor(parts: SaboteurParts) {
    this.parts = parts;
  }

  begin(): void {
    this.#isActive = true;
    this.#next();
  }

  /** No more of it; everything is mended at once. */
  end(): void {
    const { controlPlane, nodes, network, registry, trace } = this.parts;
    this.#isActive = false;
    trace.add("saboteur: everything is mended");
    for (const mend of this.#mending) mend();
    this.#mending.clear();
    network.healAll();
    registry.comeUp();
    controlPlane.setDiskFaults(SOUND_DISK);
    controlPlane.setWallOffset(0);
    controlPlane.spare();
    controlPlane.start();
    for (const node of nodes) node.startAgent();
  }

  /** A share of a range, for whatever a fault needs. */
  upTo(limit: number): number {
    return this.parts.loop.random.next() * limit;
  }

  #next(): void {
    const pauseMs = SHORTEST_PAUSE_MS + this.upTo(LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS);
    this.parts.loop.after(pauseMs, () => {
      if (!this.#isActive) return;
      this.#strike();
      this.#next();
    });
  }

  #strike(): void {
    const { loop, nodes, trace } = this.parts;
    const name = oneOf(loop.random, FAULTS);
    const node = oneOf(loop.random, nodes);
    trace.add(`saboteur: ${name} (${node.name})`);
    const mend = faults[name]?.(this, node);
    if (mend === undefined) return;
    this.#mending.add(mend);
    loop.after(200 + this.upTo(LONGEST_OUTAGE_MS), () => {
      if (!this.#mending.delete(mend)) return;
      trace.add(`saboteur: ${name} (${node.name}) is over`);
      mend();
    });
  }
}

/** Something done to one running container of ours. */
function toContainer(act: (node: SimNode, containerId: string) => void): Fault {
  return (saboteur, node) => {
    const running = node.ours().filter(({ state }) => state === "running");
    if (running.length > 0) act(node, oneOf(saboteur.parts.loop.random, running).containerId);
    return undefined;
  };
}

function diskFault(fault: DiskFault): Fault {
  return ({ parts: { controlPlane } }) => {
    controlPlane.setDiskFaults({ share: 0.4, fault, longestWriteMs: 20 });
    return () => controlPlane.setDiskFaults(SOUND_DISK);
  };
}

/** Requests that take long, from one node's proxy to a replica it leads to. */
const longRequests: Fault = ({ parts: { loop } }, node) => {
  const led = node.proxy.placements();
  if (led.length === 0) return undefined;
  const placementId = oneOf(loop.random, led);
  node.proxy.connect(placementId, 1 + Math.floor(loop.random.next() * 3));
  return () => node.proxy.connect(placementId, 0);
};

const faults: Readonly<Record<string, Fault>> = {
  "long requests": longRequests,
  "proxy killed": (_saboteur, node) => {
    node.proxy.die();
    return () => node.proxy.revive();
  },
  "proxy hangs": (_saboteur, node) => {
    node.proxy.freeze();
    return () => node.proxy.thaw();
  },
  "proxy slow": (saboteur, node) => {
    node.proxy.slow(saboteur.upTo(SLOWEST_PROXY_MS));
    return () => node.proxy.slow(USUAL_PROXY_MS);
  },
  "bad network": ({ parts: { network, loop } }) => {
    const share = (): number => loop.random.next() * 0.3;
    network.setFaults({
      dropShare: share(),
      duplicateShare: share(),
      shortestDelayMs: 0.1,
      longestDelayMs: oneOf(loop.random, [5, 200, 2_000]),
    });
    return () => network.setFaults(FLAWLESS);
  },
  partition: ({ parts: { network } }, node) => {
    network.isolate(node.connection);
    return () => network.heal(node.connection);
  },
  "lost connection": ({ parts: { network } }, node) => {
    network.disconnect(node.connection);
    return () => network.heal(node.connection);
  },
  "control plane killed": ({ parts: { controlPlane } }) => {
    controlPlane.kill();
    return () => controlPlane.start();
  },
  "control plane killed at a commit": (saboteur) => {
    const { controlPlane, loop } = saboteur.parts;
    const moment = oneOf(loop.random, ["before-commit", "after-commit"] as const);
    controlPlane.killAtCommit(Math.floor(saboteur.upTo(10)), moment, () => loop.after(saboteur.upTo(5_000), () => controlPlane.start()));
    return undefined;
  },
  "control plane taken over": ({ parts: { controlPlane } }) => controlPlane.takeOver(),
  "agent killed": (_saboteur, node) => {
    node.killAgent();
    return () => node.startAgent();
  },
  "agent killed and started": (_saboteur, node) => {
    node.killAgent();
    node.startAgent();
    return undefined;
  },
  "power cut": (_saboteur, node) => {
    node.powerOff();
    return () => node.powerOn();
  },
  "engine crash": ({ parts: { loop } }, node) => {
    node.engine.crash();
    const containers = oneOf(loop.random, ["survive", "stopped"] as const);
    return () => node.engine.restart(containers);
  },
  "engine hangs": (_saboteur, node) => {
    node.engine.hang();
    return () => node.engine.answerAgain();
  },
  "engine's disk full": (_saboteur, node) => {
    node.engine.fillDisk();
    return () => node.engine.freeDisk();
  },
  "agent's disk full": (_saboteur, node) => {
    node.disk.fill();
    return () => node.disk.free();
  },
  "journal's disk full": diskFault("disk-full"),
  "journal read-only": diskFault("read-only"),
  "journal's writer dies before": diskFault("lost"),
  "journal's writer dies after": diskFault("unconfirmed"),
  "false clock of the control plane": (saboteur) => {
    saboteur.parts.controlPlane.setWallOffset(saboteur.upTo(2 * LONGEST_CLOCK_ERROR_MS) - LONGEST_CLOCK_ERROR_MS);
    return () => saboteur.parts.controlPlane.setWallOffset(0);
  },
  "false clock of a node": (saboteur, node) => {
    node.setWallOffset(saboteur.upTo(2 * LONGEST_CLOCK_ERROR_MS) - LONGEST_CLOCK_ERROR_MS);
    return () => node.setWallOffset(0);
  },
  "registry down": ({ parts: { registry } }) => {
    registry.goDown();
    return () => registry.comeUp();
  },
  "tag moved": ({ parts: { registry, loop } }) => {
    registry.push(oneOf(loop.random, ["app:1", "app:2", "app:3"]));
    return undefined;
  },
  "image removed": ({ parts: { loop } }, node) => {
    const present = node.engine.imagesPresent();
    if (present.length > 0) node.engine.removeImageBehindOurBack(oneOf(loop.random, present).id);
    return undefined;
  },
  "process killed": toContainer((node, id) => node.engine.killProcess(id)),
  "out of memory": toContainer((node, id) => node.engine.killForMemory(id)),
  "container stopped": toContainer((node, id) => node.engine.stopBehindOurBack(id)),
  "container removed": toContainer((node, id) => node.engine.removeBehindOurBack(id)),
  "container paused": toContainer((node, id) => node.tamper(id, () => node.engine.pauseBehindOurBack(id))),
  "container edited": toContainer((node, id) => node.tamper(id, () => node.engine.editBehindOurBack(id, EDITED_MEMORY_BYTES))),
};
const FAULTS = Object.keys(faults);
