import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { DockerNode } from "./docker-node.ts";

/** A real engine of its own for a suite, and for each of its tests an agent that leaves nothing behind. */
export class OneNode {
  readonly #name: string;
  #bed: Testbed | undefined;
  #node: DockerNode | undefined;
  #image: Placement["template"]["image"] | undefined;

  private constructor(name: string) {
    this.#name = name;
  }

  /** Call it where the suite is described. */
  static forSuite(name: string): OneNode {
    const one = new OneNode(name);
    beforeAll(() => one.#up());
    afterAll(() => one.#bed?.down());
    beforeEach(() => {
      one.#node = new DockerNode(one.bed, 1);
    });
    afterEach(() => one.#node?.clear());
    return one;
  }

  get bed(): Testbed {
    if (this.#bed === undefined) throw new Error("The testbed is not up yet.");
    return this.#bed;
  }

  get node(): DockerNode {
    if (this.#node === undefined) throw new Error("There is a node within tests alone.");
    return this.#node;
  }

  /** A small image with a web server, in the registry of the testbed. */
  get image(): Placement["template"]["image"] {
    if (this.#image === undefined) throw new Error("The testbed is not up yet.");
    return this.#image;
  }

  docker(...args: readonly string[]): Promise<string> {
    return this.bed.node(1).docker(args);
  }

  /** Runs a script in the container of a placement. */
  inside(script: string, placementId?: string): Promise<string> {
    return this.docker("exec", this.node.containerId(placementId), "sh", "-c", script);
  }

  async #up(): Promise<void> {
    this.#bed = await Testbed.create({ name: this.#name, nodes: 1 });
    await this.#bed.up();
    const reference = this.#bed.registry.reference(this.#bed.images.bb1);
    this.#image = { reference, digest: await this.#bed.registry.push(this.#bed.images.bb1), source: "registry" };
  }
}
