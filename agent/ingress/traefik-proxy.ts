import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { IngressStatus } from "../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../actors/ingress/counts-contract.ts";
import type { Clock, Random, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AgentDisk } from "../agent-disk.ts";
import { type AssignmentNumber, compareAssignments } from "../assignment-order.ts";
import { DockerConnection } from "../engine/docker-connection.ts";
import { ChallengeServer } from "./challenge-server.ts";
import { dynamicConfiguration, udpRoutes } from "./dynamic-configuration.ts";
import { allocate, type Half, HALVES } from "./entry-points.ts";
import { EntryPointsProof } from "./entry-points-proof.ts";
import { countConnections, formerMembers, stillDraining } from "./former-members.ts";
import { HostCommands } from "./host-commands.ts";
import { OwnContainers } from "./own-containers.ts";
import type { Proxy, ProxyWish } from "./proxy.ts";
import { ProxyContainers } from "./proxy-containers.ts";
import { ProxyCounts } from "./proxy-counts.ts";
import { ProxyImage, type ProxySource } from "./proxy-image.ts";
import { ProxyMemory } from "./proxy-memory.ts";
import { ProxyTender } from "./proxy-tender.ts";
import { RoutesPublisher } from "./routes-publisher.ts";
import { RulesKeeper } from "./rules-keeper.ts";
import { nodeSockets } from "./sockets.ts";
import { TraefikApi } from "./traefik-api.ts";

/** Between two counts of what replicas that left still have under way. */
const COUNT_INTERVAL_MS = 100;
const NOTHING: AssignmentNumber = { epoch: 0, number: 0 };

export interface TraefikProxySettings {
  readonly tenant: string;
  readonly node: string;
  readonly socketPath: string;
  readonly source: ProxySource;
  /** The agent's own, for what its proxy reads. */
  readonly directory: string;
  /** The same as the engine sees it. */
  readonly seenByEngine: (path: string) => string;
  readonly disk: AgentDisk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Traefik in a container of the node's engine, which starts it again by itself: it goes on without agent and control plane. */
export class TraefikProxy implements Proxy {
  readonly #settings: TraefikProxySettings;
  readonly #connection: DockerConnection;
  readonly #memory: ProxyMemory;
  readonly #commands: HostCommands;
  readonly #tender: ProxyTender;
  readonly #publishers: Readonly<Record<Half, RoutesPublisher>>;
  readonly #counts: ProxyCounts;
  readonly #challenges = new ChallengeServer();
  readonly #markers = new Map<Half, string>();
  readonly #served = new Map<Half, AssignmentNumber>();
  #wish: ProxyWish | undefined;
  #serving = NOTHING;
  #draining: IngressStatus["draining"] = [];
  #told = "";
  #changed: () => void = () => undefined;
  #counting: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(settings: TraefikProxySettings) {
    const { tenant, node, directory, seenByEngine, clock, random, log } = settings;
    this.#settings = settings;
    this.#connection = new DockerConnection(settings.socketPath, clock);
    this.#memory = new ProxyMemory(settings.disk, log);
    const containers = new OwnContainers(this.#connection, settings);
    const image = new ProxyImage(this.#connection, settings.source);
    const name = `ody-${tenant}-${node}`;
    this.#commands = new HostCommands(containers, () => image.empty(), { name: `${name}-command`, arch: process.arch });
    const apis = { a: new TraefikApi("a"), b: new TraefikApi("b") };
    const proofs = { a: new EntryPointsProof("a", apis.a), b: new EntryPointsProof("b", apis.b) };
    this.#counts = new ProxyCounts(apis);
    this.#tender = new ProxyTender({
      memory: this.#memory,
      image,
      containers: new ProxyContainers({
        containers,
        name: `${name}-proxy`,
        directory: (of) => seenByEngine(join(directory, of)),
        user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
      }),
      rules: new RulesKeeper(this.#commands, clock, log),
      apis,
      clock,
      random,
      log,
      serves: (half) => this.#publishers[half].serves(),
      hasRoutes: async (half) => (await proofs[half].ask()).kind === "proven",
      ending: async (half) => this.#wish !== undefined && this.#counts.take(half, this.#wish.table),
      changed: () => this.#tended(),
    });
    const publisher = (half: Half) =>
      new RoutesPublisher({
        directory: join(directory, half),
        proof: proofs[half],
        clock,
        log,
        inForce: (marker) => void this.#inForce(half, marker),
      });
    this.#publishers = { a: publisher("a"), b: publisher("b") };
  }

  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
    await this.#memory.recall();
    // The engine refuses to mount what is not there.
    for (const of of [...HALVES, "bodies"]) await mkdir(join(this.#settings.directory, of), { recursive: true, mode: 0o700 });
  }

  want(wish: ProxyWish): void {
    if (this.#stopped) return;
    const { former, allocation } = this.#memory.record;
    const { table } = wish;
    this.#memory.keep({ former: [...formerMembers(former, this.#wish?.table, table)], allocation: allocate(allocation, table.ports) });
    this.#wish = wish;
    void this.#challenges.serve(table.challenges).then(() => this.#publish());
    this.#publish();
    this.#tender.want(table);
    this.#countSoon();
  }

  get status(): IngressStatus {
    return { proxy: this.#tender.proxy, serving: this.#serving, failedPorts: [...this.#tender.failedPorts], draining: this.#draining };
  }

  async counts(): Promise<IngressCounts | undefined> {
    if (this.#wish === undefined || this.#tender.proxy.state === "idle") return undefined;
    return this.#counts.read(this.#wish.table, this.#tender.halves, this.#memory.record.active);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#tender.stop();
    for (const publisher of Object.values(this.#publishers)) publisher.stop();
    this.#challenges.stop();
    await this.#memory.settled();
    this.#connection.close();
  }

  /** To every half that a proxy runs on, and to the one that a proxy will start on. */
  #publish(): void {
    const wish = this.#wish;
    if (wish === undefined || this.#stopped) return;
    const { active, allocation } = this.#memory.record;
    for (const half of HALVES) {
      if (half !== active && !this.#tender.halves.has(half)) {
        this.#markers.delete(half);
        this.#served.delete(half);
        continue;
      }
      const isRetiring = half !== active && this.#tender.isRetiring;
      const input = { ...wish, allocation, challengePort: this.#challenges.port, isRetiring };
      const text = (marker: string): string => JSON.stringify(dynamicConfiguration(input, half, marker));
      const isAnswering = wish.table.challenges.length === 0 || this.#challenges.port !== undefined;
      const marker = markerOf(wish.table, isAnswering ? "table" : "part", text("marker"));
      if (this.#markers.get(half) === marker) continue;
      this.#markers.set(half, marker);
      this.#publishers[half].publish({ marker, text, udp: JSON.stringify(udpRoutes(input)) });
    }
  }

  async #inForce(half: Half, marker: string): Promise<void> {
    if (this.#stopped || !this.#markers.has(half) || !isWhole(marker)) return;
    this.#served.set(half, numberIn(marker));
    await this.#count();
    this.#tender.kick();
  }

  #tended(): void {
    this.#publish();
    this.#tell();
  }

  #count(): Promise<void> {
    this.#counting = this.#counting.then(() => this.#countOnce());
    return this.#counting;
  }

  /** What is served is told with a count that was made after it was: a replica that is told to be out has no connection that was not counted. */
  async #countOnce(): Promise<void> {
    const served = [...this.#served.values()].toSorted(compareAssignments).at(0) ?? NOTHING;
    const { former } = this.#memory.record;
    const counts = countConnections(former, former.length === 0 ? [] : await nodeSockets());
    const left = stillDraining(this.#memory.record.former, counts, served);
    if (left.length !== this.#memory.record.former.length) this.#memory.keep({ former: [...left] });
    this.#serving = served;
    this.#draining = [...counts].map(([placementId, connections]) => ({ placementId, connections }));
    this.#countSoon();
    this.#tell();
  }

  #countSoon(): void {
    if (this.#stopped || this.#timer !== undefined || this.#memory.record.former.length === 0) return;
    this.#timer = this.#settings.clock.after(COUNT_INTERVAL_MS, () => {
      this.#timer = undefined;
      void this.#count();
    });
  }

  #tell(): void {
    const text = JSON.stringify(this.status);
    if (text === this.#told || this.#stopped) return;
    this.#told = text;
    this.#changed();
  }
}

/** `part`: a table without its proofs of hosts, which the agent does not answer yet. Members that left are not kept in the pools for that long. */
function markerOf({ epoch, number }: AssignmentNumber, extent: "table" | "part", content: string): string {
  return `${extent}-${epoch}-${number}-${createHash("sha256").update(content).digest("hex").slice(0, 12)}`;
}

function isWhole(marker: string): boolean {
  return marker.startsWith("table-");
}

function numberIn(marker: string): AssignmentNumber {
  const [, epoch, number] = marker.split("-");
  return { epoch: Number(epoch), number: Number(number) };
}
