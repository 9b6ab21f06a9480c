import { addressOf } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Clock } from "../../runtime/clock.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";
import { openMemoryTenant } from "../../storage/memory-tenant.ts";
import type { Operation, OperationContext, StreamItem } from "../../actors/catalogue.ts";
import type { IngressSoft } from "../../actors/ingress/edge.ts";
import { operations } from "../../actors/operations.ts";
import { AgentRequest, type LogChunk, type LogLine } from "../../actors/node/contract.ts";
import type { ChangeView, ContainerView, DeploymentView, NodeRow, NodeSoft } from "../../actors/views.ts";
import { DeploymentSpec } from "../../actors/deployment/contract.ts";
import { memorySealedStore } from "../../storage/memory-sealed.ts";

const TENANT = "acme";

/** A tenant whose read model is filled by hand, and whose nodes answer as the test says. */
export class ReadWorld {
  readonly clock: Clock;
  readonly #tenant = openMemoryTenant({ tenant: TENANT });
  readonly #broker: MemoryBroker;
  readonly #bus: Bus;
  readonly #soft = new Map<string, unknown>();
  #version = 0;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    this.#broker = new MemoryBroker(clock);
    this.#bus = this.#broker.connect("control-plane");
  }

  async put(kind: string, id: string, body: object, parent = ""): Promise<void> {
    await this.#commit([{ change: "put", kind, id, parent, body: body as Record<string, unknown> }]);
  }

  async delete(kind: string, id: string): Promise<void> {
    await this.#commit([{ change: "delete", kind, id }]);
  }

  async #commit(rows: Parameters<ReturnType<typeof openMemoryTenant>["journal"]["commit"]>[0]["rows"]): Promise<void> {
    if (this.#version === 0) await this.#tenant.journal.claim(1);
    const result = await this.#tenant.journal.commit({
      stream: addressOf(TENANT, "deployment", "seed"),
      expectedVersion: this.#version,
      epoch: 1,
      atMs: this.clock.nowMs(),
      meta: {
        commandId: `seed-${this.#version}`,
        principal: { kind: "system", id: "system", role: "system" },
        via: "system",
        correlationId: "seed",
      },
      events: [{ type: "seed.changed", schema: 1, data: {} }],
      reply: undefined,
      audit: [],
      outbox: [],
      rows,
    });
    if (result.kind !== "committed") throw new Error(JSON.stringify(result));
    this.#version += 1;
  }

  async node(name: string, row: Partial<NodeRow> = {}): Promise<void> {
    await this.put("node", name, nodeRow(name, row));
  }

  /** What the node actor knows of it; by default it was heard of just now. */
  says(name: string, soft: Partial<NodeSoft> = {}): void {
    const silent: NodeSoft = {
      lastHeardAtMs: this.clock.nowMs(),
      sample: undefined,
      agentAssignment: 1,
      statuses: new Map(),
      containers: new Map(),
    };
    this.#soft.set(addressOf(TENANT, "node", name), { ...silent, ...soft });
  }

  /** What the ingress actor knows of the nodes' proxies. */
  ingress(soft: Pick<IngressSoft, "epoch" | "nodes">): void {
    this.#soft.set(addressOf(TENANT, "ingress"), soft);
  }

  async container(id: string, row: Partial<ContainerView>): Promise<void> {
    await this.put("container", id, containerRow(id, row), id.split(".", 1)[0]);
  }

  async deployment(name: string, row: Partial<DeploymentView> = {}): Promise<void> {
    await this.put("deployment", name, deploymentRow(name, row));
  }

  async change(name: string, generation: number, row: Partial<ChangeView> = {}): Promise<void> {
    const rollout = {
      id: generation,
      change: row.change ?? "update",
      revision: generation,
      outcome: "succeeded" as const,
      startedAtMs: generation * 1_000,
    };
    const body = {
      deployment: name,
      change: "update",
      generation,
      revision: generation,
      contentOf: generation,
      by: "admin",
      via: "api",
      atMs: generation * 1_000,
      diff: [],
      rollout,
    };
    await this.put("change", `${name}.${String(generation).padStart(8, "0")}`, { ...body, ...row }, name);
  }

  agent(name: string): TestAgent {
    return new TestAgent(this.#broker.connect(name), name);
  }

  context(signal = new AbortController().signal): OperationContext {
    return {
      tenant: TENANT,
      meta: { commandId: "c", principal: { kind: "user", id: "admin", role: "admin" }, via: "api", correlationId: "c" },
      host: {
        ask: () => Promise.reject(new Error("reading asks no actor")),
        tell: () => undefined,
        recall: () => Promise.reject(new Error("reading recalls nothing")),
        soft: (address) => this.#soft.get(address),
        actors: () => [],
      },
      bus: this.#bus,
      reads: this.#tenant.reads,
      sealed: memorySealedStore(),
      clock: this.clock,
      random: systemRandom,
      signal,
    };
  }

  /** Calls an operation of the catalogue as an adapter does; the answer must be what its output schema says. */
  async read(name: string, input: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const operation = operationNamed(name);
    if (operation.effect === "stream") throw new Error(`${name} is a stream`);
    const reply = await operation.handle(operation.input.parse(input), this.context());
    if (reply.kind === "ok") operation.output.parse(reply.value);
    return reply;
  }

  async value<Value = Record<string, unknown>>(name: string, input: Readonly<Record<string, unknown>> = {}): Promise<Value> {
    const reply = await this.read(name, input);
    if (reply.kind === "refusal") throw new Error(reply.message);
    return reply.value as Value;
  }

  /** Items as they come, until the signal ends them. */
  open(name: string, input: Readonly<Record<string, unknown>>, signal?: AbortSignal, lastEventId?: string): AsyncIterator<StreamItem> {
    const operation = operationNamed(name);
    if (operation.effect !== "stream") throw new Error(`${name} is no stream`);
    return operation.open(operation.input.parse(input), this.context(signal), lastEventId)[Symbol.asyncIterator]();
  }
}

function operationNamed(name: string): Operation {
  const operation = operations.find((item) => item.name === name);
  if (operation === undefined) throw new Error(`no operation ${name}`);
  return operation;
}

/** A node's agent as far as it answers readers; what it holds is given by the test. */
export class TestAgent {
  readonly requests: AgentRequest[] = [];
  answer: ((request: AgentRequest) => unknown) | undefined;
  readonly #bus: Bus;
  readonly #name: string;
  readonly #streams = new Map<string, number>();

  constructor(bus: Bus, name: string) {
    this.#bus = bus;
    this.#name = name;
    bus.serve(`ody.${TENANT}.agent.${name}`, async (payload) => {
      const request = AgentRequest.parse(payload);
      this.requests.push(request);
      const own = this.answer?.(request);
      if (own !== undefined) return own;
      if (request.kind === "logs") this.#streams.set(request.streamId, 0);
      return { kind: "opened", streamId: "streamId" in request ? request.streamId : "" };
    });
  }

  /** Sends lines on every open stream that asked for their placement. */
  async lines(lines: readonly (Pick<LogLine, "placementId" | "atMs" | "text"> & Partial<LogLine>)[], end?: LogChunk["end"]): Promise<void> {
    for (const [streamId, number] of this.#streams) {
      const chunk: LogChunk = {
        number,
        dropped: 0,
        lines: lines.map((line) => ({ attempt: 1, stream: "stdout", ...line })),
        ...(end === undefined ? {} : { end }),
      };
      this.#streams.set(streamId, number + 1);
      this.#bus.publish(`ody.${TENANT}.stream.${this.#name}.${streamId}`, chunk);
      if (end !== undefined) this.#streams.delete(streamId);
    }
  }

  /** A chunk gets lost on the way. */
  skip(): void {
    for (const [streamId, number] of this.#streams) this.#streams.set(streamId, number + 1);
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  async leave(): Promise<void> {
    this.#streams.clear();
    await this.#bus.close();
  }
}

export function nodeRow(name: string, row: Partial<NodeRow> = {}): NodeRow {
  return {
    name,
    hostname: name,
    availability: "active",
    connection: "joined",
    connectionSinceMs: 0,
    engineVersion: "26.1.5",
    engine: "reachable",
    agentVersion: "0.1.0",
    os: "linux",
    arch: "amd64",
    cpuMillis: 4_000,
    memoryBytes: 8_000_000_000,
    diskBytes: 100_000_000_000,
    labels: {},
    address: "10.0.0.1",
    degraded: [],
    assignment: 1,
    placements: 0,
    ...row,
  };
}

function containerRow(id: string, row: Partial<ContainerView>): ContainerView {
  const [deployment = "web", slot = "1"] = id.split(".");
  return {
    id,
    deployment,
    slot: Number(slot),
    revision: 1,
    image: "nginx:1.27",
    phase: "running",
    health: "healthy",
    reason: "",
    sinceMs: 0,
    attempt: 1,
    restarts: 0,
    rejections: [],
    ports: [],
    ...row,
  };
}

function deploymentRow(name: string, row: Partial<DeploymentView>): DeploymentView {
  return {
    name,
    generation: 1,
    status: "running",
    reason: "3 of 3 healthy",
    revision: 1,
    image: { reference: "nginx:1.27", digest: `sha256:${"a".repeat(64)}`, source: "registry" },
    replicas: 3,
    healthyReplicas: 3,
    updatedReplicas: 3,
    pendingReplicas: 0,
    restarts: 0,
    spec: DeploymentSpec.parse({ image: "nginx:1.27", replicas: 3 }),
    rollout: { id: 1, change: "create", revision: 1, outcome: "succeeded", startedAtMs: 0 },
    createdAtMs: 0,
    changedAtMs: 0,
    ...row,
  };
}
