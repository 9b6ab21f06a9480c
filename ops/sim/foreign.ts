import { LABEL } from "../../agent/labels.ts";
import type { DesiredContainer } from "../../agent/engine/port.ts";
import type { SimNode } from "./sim-node.ts";
import { TENANT } from "./tenant.ts";
import type { Report } from "./violation.ts";

const IMAGE = "foreign:1";

/** Containers of other people on the nodes: one without labels of ours, one with some of them, one of another node. */
export class ForeignContainers {
  readonly #ids = new Map<SimNode, readonly string[]>();

  async place(node: SimNode): Promise<void> {
    const digest = node.engine.loadImage(IMAGE);
    const all = [
      {},
      { [LABEL.node]: node.name, [LABEL.placement]: "web.1.1" },
      { [LABEL.tenant]: TENANT, [LABEL.node]: "elsewhere", [LABEL.placement]: "web.1.1" },
    ];
    const ids: string[] = [];
    for (const [index, labels] of all.entries()) {
      const containerId = await node.engine.create(container(`foreign-${index}`, digest, labels));
      await node.engine.start(containerId);
      ids.push(containerId);
    }
    this.#ids.set(node, ids);
  }

  /** They are all there. A restart of the machine may have stopped them; nothing removes them. */
  check(report: Report): void {
    for (const [node, ids] of this.#ids) {
      const there = new Set(node.engine.containers().map(({ containerId }) => containerId));
      for (const containerId of ids)
        if (!there.has(containerId)) report("foreign containers are untouched", `${containerId} on ${node.name} is gone`);
    }
  }
}

function container(name: string, digest: string, labels: Readonly<Record<string, string>>): DesiredContainer {
  return {
    name,
    image: { reference: IMAGE, digest, source: "node" },
    labels,
    entrypoint: undefined,
    command: undefined,
    environment: {},
    ports: [],
    cpuLimitMillis: undefined,
    memoryLimitBytes: undefined,
    user: undefined,
    workingDirectory: undefined,
    stopSignal: "SIGTERM",
    stopGraceMs: 1_000,
    hostname: name,
    mounts: [],
    networks: [],
    settings: {},
    limits: {},
  };
}
