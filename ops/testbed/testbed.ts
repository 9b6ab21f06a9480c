import { existsSync, mkdirSync } from "node:fs";
import { MAX_NODES, machineAddress } from "./addresses.ts";
import {
  type BedRecord,
  bedDirectory,
  freeRange,
  isAlive,
  listRecords,
  newToken,
  ownerOfThisProcess,
  readRecord,
  runDirectory,
  writeRecord,
} from "./bed-record.ts";
import { engineRequest } from "./engine-http.ts";
import { imageArchive, type Image } from "./image.ts";
import { cut, type Endpoint, heal, partition, raiseSwitch, uncut } from "./network.ts";
import { TestbedNode } from "./node.ts";
import { prepare } from "./prepare.ts";
import { TestbedRegistry } from "./registry.ts";
import { dismantle, withBedsLock } from "./sweep.ts";
import { testImages, type TestImages } from "./test-images.ts";

export interface TestbedOptions {
  /** Lower-case letters, digits and hyphens, at most 32. When a living process has a testbed of this name, a number is added. */
  readonly name: string;
  /** How many engines, 1 to 24. */
  readonly nodes: number;
  /** What happens to containers while their engine is down; Docker's own default is to stop them. Swarm needs the default. */
  readonly onEngineStop?: "stop-containers" | "keep-containers";
  /** `this-process` (the default): swept away once this process is dead. `nobody`: stays until `down`. */
  readonly owner?: "this-process" | "nobody";
}

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Several real Docker engines on this one machine, each on a host of its own, with a network between them that can be cut. */
export class Testbed {
  readonly name: string;
  /** Part of the name of everything the testbed puts on this machine: namespaces, links, cgroups, sockets. */
  readonly token: string;
  /** This machine's address in the testbed's network. */
  readonly address: string;
  readonly nodes: readonly TestbedNode[];
  readonly registry: TestbedRegistry;
  readonly images: TestImages;
  readonly #cache: string;
  readonly #bed: BedRecord;

  private constructor(cache: string, rootfs: string, bed: BedRecord, images: TestImages) {
    this.#cache = cache;
    this.#bed = bed;
    this.name = bed.name;
    this.token = bed.token;
    this.address = machineAddress(bed);
    this.images = images;
    this.registry = new TestbedRegistry(cache, rootfs, bed);
    this.nodes = Array.from({ length: bed.nodes }, (_, index) => new TestbedNode(cache, rootfs, bed, index + 1));
  }

  /** Claims a name and an address range; nothing runs until `up`. Throws when this machine cannot (ask `prepare` first). */
  static async create(options: TestbedOptions): Promise<Testbed> {
    if (!NAME.test(options.name)) throw new Error(`not a name for a testbed: ${options.name}`);
    if (options.nodes < 1 || options.nodes > MAX_NODES) throw new Error(`a testbed has 1 to ${MAX_NODES} nodes, not ${options.nodes}`);
    const { cache, rootfs } = await prepared();
    const images = await testImages(rootfs);
    const bed = await withBedsLock(cache, () => claim(cache, options));
    return new Testbed(cache, rootfs, bed, images);
  }

  /** An existing testbed, by the name it was given. */
  static async attach(name: string): Promise<Testbed | undefined> {
    const { cache, rootfs } = await prepared();
    const bed = readRecord(cache, name);
    return bed === undefined ? undefined : new Testbed(cache, rootfs, bed, await testImages(rootfs));
  }

  /** Powers on every node that is off, starts every engine that is not running, starts the registry and fills it with the test images. Can be repeated. */
  async up(): Promise<void> {
    mkdirSync(runDirectory(this.#bed), { recursive: true, mode: 0o700 });
    await raiseSwitch(this.#bed);
    const { bb1, bb2, crash, sick, alien } = this.images;
    const fillRegistry = async (): Promise<void> => {
      await this.registry.start();
      for (const image of [bb1, bb2, crash, sick]) await this.registry.push(image);
      await this.registry.pushForItsPlatformOnly(alien);
    };
    await Promise.all([fillRegistry(), ...this.nodes.map((node) => node.powerOn())]);
  }

  /** Node `number`, counted from 1. */
  node(number: number): TestbedNode {
    const node = this.nodes[number - 1];
    if (node === undefined) throw new Error(`${this.name} has nodes 1 to ${this.nodes.length}, not ${number}`);
    return node;
  }

  powerOff(node: number): Promise<void> {
    return this.node(node).powerOff();
  }
  powerOn(node: number): Promise<void> {
    return this.node(node).powerOn();
  }
  killEngine(node: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    return this.node(node).killEngine(signal);
  }
  startEngine(node: number): Promise<void> {
    return this.node(node).startEngine();
  }
  restartEngine(node: number): Promise<void> {
    return this.node(node).restartEngine();
  }

  /** Silence between this node and everybody else, the machine included, until `heal` or the next `powerOn`. */
  partition(node: number): Promise<void> {
    return partition(this.#bed, this.node(node).number);
  }
  heal(node: number): Promise<void> {
    return heal(this.#bed, this.node(node).number);
  }

  /** Silence in one direction: nothing that `from` sends reaches `to`. */
  cut(from: Endpoint, to: Endpoint): Promise<void> {
    return cut(this.#bed, from, to);
  }
  uncut(from: Endpoint, to: Endpoint): Promise<void> {
    return uncut(this.#bed, from, to);
  }

  containerPid(node: number, container: string): Promise<number> {
    return this.node(node).containerPid(container);
  }

  /** Signals a container's first process from outside, behind the engine's back. */
  async killProcess(node: number, container: string, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    process.kill(await this.containerPid(node, container), signal);
  }

  /** Puts images into a node's engine under their own names (`odysseus-test/bb:1`), past any registry. */
  async loadImages(node: number, images: readonly Image[] = Object.values(this.images)): Promise<void> {
    const content = imageArchive(images);
    const body = { type: "application/x-tar", content };
    const { status, text } = await engineRequest(this.node(node).dockerHost, "POST", "/images/load?quiet=1", body);
    if (status !== 200 || text.includes('"error"')) throw new Error(`node${node} refused the images: ${text}`);
  }

  /** Ends and removes all of it; fine when half of it, or nothing, is there. */
  down(): Promise<void> {
    return dismantle(this.#cache, this.#bed);
  }
}

async function prepared(): Promise<{ readonly cache: string; readonly rootfs: string }> {
  const prepared = await prepare();
  if (prepared.kind === "unavailable") throw new Error(`the testbed cannot run here: ${prepared.reason}`);
  return prepared;
}

async function claim(cache: string, options: TestbedOptions): Promise<BedRecord> {
  const taken = listRecords(cache);
  const bed: BedRecord = {
    name: await freeName(cache, options.name, taken),
    token: newToken(),
    range: await freeRange(taken),
    nodes: options.nodes,
    ...(options.owner === "nobody" ? {} : { owner: ownerOfThisProcess() }),
    engineArguments: options.onEngineStop === "keep-containers" ? ["--live-restore"] : [],
  };
  writeRecord(cache, bed);
  return bed;
}

async function freeName(cache: string, wish: string, taken: readonly BedRecord[]): Promise<string> {
  for (let suffix = 1; ; suffix++) {
    const name = suffix === 1 ? wish : `${wish}-${suffix}`;
    const holder = taken.find((bed) => bed.name === name);
    if (holder === undefined && !existsSync(bedDirectory(cache, name))) return name;
    if (holder?.owner !== undefined && !isAlive(holder.owner)) {
      await dismantle(cache, holder);
      return name;
    }
  }
}
