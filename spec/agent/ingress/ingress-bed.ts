import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type TableAnswer,
  type IngressCertificate,
  type IngressStatus,
  IngressTable,
  type PoolMember,
  RESERVED_PORTS,
} from "../../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../../actors/ingress/counts-contract.ts";
import { AgentMessage } from "../../../actors/node/contract.ts";
import type { Assignment, Placement } from "../../../actors/node/assignment-contract.ts";
import type { PlacementStatus } from "../../../actors/node/observed-contract.ts";
import { agentProcess } from "../../../ops/agent/process.ts";
import type { AgentFileInput } from "../../../ops/agent/settings.ts";
import { connectBus } from "../../../ops/nats/connect.ts";
import { type AgentIdentity, controlPlane, inboxPrefix } from "../../../ops/nats/identity.ts";
import { startNats, type NatsServer } from "../../../ops/nats/nats.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { until } from "../../../ops/testbed/command.ts";
import type { GuestProcess } from "../../../ops/testbed/node.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import type { Bus } from "../../../runtime/bus.ts";
import { silentLog } from "../../../runtime/log.ts";
import { serveOverBus } from "../../../runtime/remote.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { natsProgram } from "../../support/nats-program.ts";
import { toolProgram } from "../../support/tool-program.ts";
import type { TrafficInput } from "./tables.ts";

const TENANT = "acme";
const UNTIL_MS = 60_000;
const ROOT = new URL("../../../", import.meta.url).pathname;

const PORTS_OF_A_REPLICA = 4;

/** As members of pools. */
export interface Replica {
  readonly http: PoolMember;
  readonly tcp: PoolMember;
  readonly udp: PoolMember;
  readonly grpc: PoolMember;
}

/** Certificates whole, as the control plane holds them. */
export type TableInput = TrafficInput & { readonly certificates?: readonly IngressCertificate[] };

/** Real engines with the real agent beside each, and a stand-in for the control plane that tells them tables and hears what becomes of them. */
export class IngressBed {
  readonly bed: Testbed;
  readonly told = new Map<number, IngressStatus>();
  readonly counted = new Map<number, IngressCounts>();
  readonly statuses = new Map<string, PlacementStatus>();
  readonly #home = mkdtempSync(join(tmpdir(), "odysseus-ingress-"));
  readonly #agents = new Map<number, GuestProcess>();
  readonly #numbers = new Map<number, number>();
  #nats: NatsServer | undefined;
  #bus: Bus | undefined;
  #assignments = 0;

  private constructor(bed: Testbed) {
    this.bed = bed;
  }

  static async start(name: string, nodes: number): Promise<IngressBed> {
    const bed = new IngressBed(await Testbed.create({ name, nodes }));
    try {
      await bed.#up();
      return bed;
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  async #up(): Promise<void> {
    await this.bed.up();
    const agents = this.bed.nodes.map(({ number }) => identityOf(number));
    const nats = await startNats({
      folder: join(this.#home, "nats"),
      program: await natsProgram(),
      agents,
      listen: { host: this.bed.address },
      say: () => undefined,
    });
    this.#nats = nats;
    const { caFile, certFile, keyFile } = await nats.tlsFor(controlPlane);
    this.#bus = connectBus({
      url: nats.url,
      inboxPrefix: inboxPrefix(controlPlane),
      tls: { caFile, certFile, keyFile },
      name: "test",
      clock: systemClock,
      log: silentLog,
    });
    for (const { number } of this.bed.nodes) {
      serveOverBus(this.#bus, `ody.${TENANT}.node.n${number}`, async (message) => {
        this.#heard(number, AgentMessage.parse(message));
        return { kind: "ok", value: { kind: "welcome", epoch: 1, assignment: 0, resync: false } };
      });
    }
    await Promise.all(this.bed.nodes.map(({ number }) => this.startAgent(number)));
  }

  async stop(): Promise<void> {
    for (const number of this.#agents.keys()) this.killAgent(number);
    await this.#bus?.close();
    await this.#nats?.stop();
    await this.bed.down();
    rmSync(this.#home, { recursive: true, force: true });
  }

  async startAgent(number: number, change: Partial<AgentFileInput> = {}): Promise<void> {
    const node = this.bed.node(number);
    const nats = this.#nats!;
    const { caFile, certFile, keyFile } = await nats.tlsFor(identityOf(number));
    const settings: AgentFileInput = {
      tenant: TENANT,
      node: `n${number}`,
      engineSocket: node.dockerHost,
      engineDataRoot: "/",
      directory: join(node.shared.onMachine, "agent"),
      enginePaths: [{ agent: node.shared.onMachine, engine: node.shared.inNode }],
      nats: { url: nats.url, inboxPrefix: inboxPrefix(identityOf(number)), tls: { caFile, certFile, keyFile } },
      address: node.address,
      ingress: { kind: "program", path: await toolProgram("traefik") },
      ...change,
    };
    const directory = join(this.#home, `n${number}`);
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "agent.json");
    writeFileSync(file, JSON.stringify(settings));
    const { command, env } = await agentProcess(file, join(ROOT, "node_modules/.cache/odysseus-agent"));
    this.told.delete(number);
    this.#agents.set(number, node.spawn(command, { env, logPath: this.agentLog(number) }));
    await this.until(`the agent of node ${number} has told what its proxy does`, () => this.told.has(number));
  }

  agentLog(number: number): string {
    return join(this.#home, `n${number}`, "agent.log");
  }

  killAgent(number: number, signal: NodeJS.Signals = "SIGKILL"): void {
    this.#agents.get(number)?.kill(signal);
    this.#agents.delete(number);
  }

  /** A replica nobody but this test knows of, reachable like one of an agent's: `index` tells its ports from those of others on its node. */
  async replica(node: number, index: number, placementId: string): Promise<Replica> {
    const image = this.bed.registry.reference(appImage("1"));
    const { address } = this.bed.node(node);
    const port = RESERVED_PORTS.replicas[0] + PORTS_OF_A_REPLICA * index;
    const member = (offset: number): PoolMember => ({ placementId, address, port: port + offset });
    const ports = ["8080", "9000", "9001/udp", "9002"].flatMap((target, offset) => ["-p", `${address}:${port + offset}:${target}`]);
    await this.bed.node(node).docker(["run", "-d", "--name", placementId, "--hostname", placementId, ...ports, image]);
    const answer = () => this.bed.node(node).enter(["busybox", "wget", "-q", "-O-", "-T", "1", `http://${address}:${port}/healthz`]);
    const answers = (): Promise<boolean> =>
      answer().then(
        (text) => text === "ok\n",
        () => false,
      );
    await this.until(`${placementId} answers`, answers);
    return { http: member(0), tcp: member(1), udp: member(2), grpc: member(3) };
  }

  /** The next table of a node; answered once it is on the agent's disk. */
  async send(number: number, { certificates = [], ...table }: TableInput): Promise<TableAnswer> {
    const next = (this.#numbers.get(number) ?? 0) + 1;
    this.#numbers.set(number, next);
    const whole = IngressTable.parse({
      kind: "ingress-table",
      tenant: TENANT,
      node: `n${number}`,
      epoch: 1,
      number: next,
      ports: [],
      routes: [],
      pools: [],
      certificates: certificates.map(({ id }) => id),
      challenges: [],
      peers: this.bed.nodes.map(({ address }) => address),
      trustedProxies: [],
      ...table,
    });
    const ask = async (payload: unknown): Promise<TableAnswer> =>
      (await this.#bus!.request(`ody.${TENANT}.agent.n${number}`, payload, { timeoutMs: 30_000 })) as TableAnswer;
    const answer = await ask(whole);
    if (answer.kind !== "lacking") return answer;
    await ask({ kind: "ingress-certificates", tenant: TENANT, node: `n${number}`, certificates });
    return ask(whole);
  }

  async serve(number: number, table: TableInput): Promise<IngressStatus> {
    await this.send(number, table);
    return this.untilServing(number);
  }

  /** The newest table that was sent is in force, its ports lead to the proxy, and the proxy runs where one is needed. */
  async untilServing(number: number): Promise<IngressStatus> {
    await this.until(`node ${number} serves table ${this.#numbers.get(number)}`, () => {
      const status = this.told.get(number);
      if (status === undefined || status.serving.number !== this.#numbers.get(number)) return false;
      return (
        (status.proxy.state === "running" && !status.failedPorts.some(({ reason }) => reason.includes("being opened"))) ||
        status.proxy.state === "idle"
      );
    });
    return this.told.get(number)!;
  }

  async assign(number: number, placements: readonly Placement[]): Promise<unknown> {
    this.#assignments += 1;
    const whole: Assignment = {
      kind: "assignment",
      tenant: TENANT,
      node: `n${number}`,
      epoch: 1,
      number: this.#assignments,
      placements: [...placements],
      prefetch: [],
    };
    return this.#bus!.request(`ody.${TENANT}.agent.n${number}`, whole, { timeoutMs: 30_000 });
  }

  until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = UNTIL_MS): Promise<void> {
    return until(`${what}; told: ${JSON.stringify([...this.told])}`, async () => holds(), timeoutMs);
  }

  #heard(number: number, message: AgentMessage): void {
    if (message.kind === "agent.ingress") this.told.set(number, message.status);
    if (message.kind === "agent.ingress-counts") this.counted.set(number, message.counts);
    if (message.kind === "agent.hello" || message.kind === "agent.status") {
      for (const status of message.statuses) this.statuses.set(status.placementId, status);
    }
  }
}

function identityOf(number: number): AgentIdentity {
  return { kind: "agent", tenant: TENANT, node: `n${number}` };
}
