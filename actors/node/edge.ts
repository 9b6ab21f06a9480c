import type { Edge, EdgeContext, Intake } from "../../runtime/actor.ts";
import { addressOf, partsOf, subjectOf } from "../../runtime/address.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Meta } from "../../runtime/journal.ts";
import { isFromBus } from "../../runtime/remote.ts";
import { problemsOf } from "../deployment/change.ts";
import { sealedName } from "../deployment/file-contract.ts";
import type { IngressReport } from "../ingress/commands.ts";
import type { IngressStatus } from "../ingress/contract.ts";
import type { NodeSoft, ToldImages } from "../views.ts";
import { AgentMessage, HEARTBEAT_LOST_AFTER_MS, type AgentWelcome, type FileAnswer } from "./contract.ts";
import { AssignmentAnswer, type Assignment } from "./assignment-contract.ts";
import type { ContainerSample, NodeSample, PlacementStatus } from "./observed-contract.ts";
import { assignmentGiving } from "./assignment-messages.ts";
import type { ImagesSeen } from "./images-contract.ts";
import { NumberedPush, type PushKind } from "../numbered-push.ts";
import type { NodeCommand, NodeReport } from "./messages.ts";
import type { NodePorts } from "./ports.ts";
import { nodeRefusals as refusals } from "./refusals.ts";
import type { NodeEvent, NodeState } from "./state.ts";

export const assignments: PushKind = {
  parse: (answer) => AssignmentAnswer.parse(answer),
  tooLarge: "its assignment is larger than one message may be, and cannot be delivered: use fewer replicas on it, or smaller environments",
  notStored: "its agent cannot keep its assignment",
  notUnderstood:
    "its agent does not understand its assignment: it is of another version than the control plane; start the newer of the two on both",
};

/** What a node says between decisions: heartbeats, samples, progress. Turns silence and final words into commands, and hands the assignment to the agent. */
export class NodeEdge implements Edge<NodeState, NodeCommand, NodeEvent> {
  readonly #context: EdgeContext<NodeCommand>;
  readonly #ports: NodePorts;
  readonly #push: NumberedPush<Assignment>;
  readonly #statuses = new Map<string, PlacementStatus>();
  #containers: ReadonlyMap<string, ContainerSample> = new Map();
  #ingressCounts: NodeSoft["ingressCounts"];
  #images: ToldImages | undefined;
  #lastHeardAtMs: number | undefined;
  #sample: NodeSample | undefined;
  #silence: Timer | undefined;

  constructor(context: EdgeContext<NodeCommand>, ports: NodePorts) {
    this.#context = context;
    this.#ports = ports;
    const { tenant, name } = partsOf(context.address);
    this.#push = new NumberedPush(ports, subjectOf(addressOf(tenant, "agent", name)), assignments, assignmentGiving);
  }

  /** What comes over the bus comes from an agent, whatever it says it is: an agent tells what it sees, and decides nothing. */
  receive(message: unknown, state: NodeState, meta: Meta): Intake<NodeCommand> {
    if (!isFromBus(meta)) return { kind: "command", command: message as NodeCommand };
    const parsed = AgentMessage.safeParse(message);
    if (!parsed.success)
      return { kind: "refused", refusal: refusals["node.message-invalid"]({ name: state.name, problems: problemsOf(parsed.error) }) };
    this.#heard();
    if (parsed.data.kind === "agent.file") return { kind: "answering", reply: this.#file(parsed.data, state) };
    return { kind: "answered", reply: this.#answer(parsed.data, state) };
  }

  committed(state: NodeState): void {
    if (this.#silence === undefined && state.connection === "joined") this.#heardNothingYet();
    for (const placementId of this.#statuses.keys()) if (!(placementId in state.placements)) this.#statuses.delete(placementId);
    const { tenant, name } = partsOf(this.#context.address);
    this.#push.want({
      kind: "assignment",
      tenant,
      node: name,
      epoch: this.#ports.epochOf(tenant),
      number: state.assignment,
      placements: Object.values(state.placements),
      prefetch: [...state.prefetch],
    });
  }

  soft(): NodeSoft {
    return {
      lastHeardAtMs: this.#lastHeardAtMs,
      sample: this.#sample,
      agentAssignment: this.#push.accepted?.number,
      assignmentProblem: this.#push.problem,
      statuses: this.#statuses,
      containers: this.#containers,
      ingressCounts: this.#ingressCounts,
      images: this.#images,
    };
  }

  stopped(): void {
    this.#silence?.cancel();
    this.#push.stop();
  }

  #answer(message: Exclude<AgentMessage, { kind: "agent.file" }>, state: NodeState): AgentWelcome {
    const epoch = this.#ports.epochOf(partsOf(this.#context.address).tenant);
    if (message.kind === "agent.images") this.#images = { ...this.#seen(message.seen), told: message.told };
    else if (message.kind === "agent.heartbeat" && message.images !== undefined) this.#confirm(message.images);
    const images = this.#images?.version;
    const welcome = {
      kind: "welcome" as const,
      epoch,
      assignment: state.assignment,
      resync: false,
      ...(images !== undefined && { images }),
    };
    switch (message.kind) {
      case "agent.hello": {
        this.#statuses.clear();
        this.#take(message.statuses, state);
        const isNew =
          state.connection === "lost" || JSON.stringify(state.facts) !== JSON.stringify(message.facts) || state.engine !== message.engine;
        if (isNew) this.#command({ kind: "join", facts: message.facts, engine: message.engine });
        this.#push.agentIsAt(message.epoch, message.assignment);
        return welcome;
      }
      case "agent.status":
        this.#take(message.statuses, state);
        return { ...welcome, resync: state.connection === "lost" };
      case "agent.ingress":
        this.#tellIngress(message.session, message.status);
        return welcome;
      case "agent.ingress-counts":
        this.#ingressCounts = { ...message.counts, heardAtMs: this.#ports.clock.nowMs() };
        return welcome;
      case "agent.images":
        return welcome;
      case "agent.heartbeat": {
        this.#sample = message.sample ?? this.#sample;
        this.#containers = new Map(message.containers.map((sample) => [sample.placementId, sample]));
        if (message.engine !== state.engine && state.connection === "joined")
          this.#command({ kind: "report-engine", engine: message.engine });
        this.#push.agentIsAt(message.epoch, message.assignment);
        // Of another assignment it has statuses of other placements: it is given the newest first.
        const isComparable = message.epoch === epoch && message.assignment === state.assignment;
        const isInStep = state.connection === "joined" && (!isComparable || this.#agrees(message.digest));
        if (isInStep) this.#forward([...this.#statuses.values()], state);
        return { ...welcome, resync: !isInStep };
      }
    }
  }

  /** Images of another version than the agent's newest say nothing any more. */
  #confirm(seen: ImagesSeen): void {
    this.#images = this.#images?.version === seen.version ? { ...this.#images, ...this.#seen(seen) } : undefined;
  }

  #seen({ version, ageMs }: ImagesSeen): Pick<ToldImages, "version" | "seenAtMs"> {
    return { version, seenAtMs: this.#ports.clock.nowMs() - ageMs };
  }

  /** A node is given what its own placements use, and nothing else. */
  async #file({ placementId, file }: Extract<AgentMessage, { kind: "agent.file" }>, { name, placements }: NodeState): Promise<FileAnswer> {
    const placement = placements[placementId];
    const isUsed = (placement?.template.files ?? []).some(
      (used) => used.kind === file.kind && used.name === file.name && used.version === file.version,
    );
    if (placement?.desired !== "running" || !isUsed)
      return { kind: "refused", reason: `no replica that ${name} should run uses ${file.kind} ${file.name} of this version` };
    const { tenant } = partsOf(this.#context.address);
    const bytes = await this.#ports.sealedOf(tenant).open(sealedName(file), file.version);
    return bytes === undefined
      ? { kind: "refused", reason: `the control plane does not have ${file.kind} ${file.name} of this version any more` }
      : { kind: "file", value: Buffer.from(bytes).toString("base64") };
  }

  #agrees({ count, sequences }: { readonly count: number; readonly sequences: number }): boolean {
    let sum = 0;
    for (const status of this.#statuses.values()) sum += status.sequence;
    return this.#statuses.size === count && sum === sequences;
  }

  #take(statuses: readonly PlacementStatus[], state: NodeState): void {
    const news = statuses.filter((status) => (this.#statuses.get(status.placementId)?.sequence ?? 0) < status.sequence);
    for (const status of news) this.#statuses.set(status.placementId, status);
    this.#forward(news, state);
  }

  /** Observations may be lost on the way; they are told again with every heartbeat, and whoever knows them already ignores them. */
  #forward(statuses: readonly PlacementStatus[], state: NodeState): void {
    const isFinal = (status: PlacementStatus): boolean =>
      status.current.phase === "stopped" && state.placements[status.placementId]?.desired === "stopped";
    const final = statuses.filter(isFinal);
    if (final.length > 0) this.#command({ kind: "report-stopped", statuses: final });
    const { tenant, name } = partsOf(this.#context.address);
    const living = statuses.filter((status) => !isFinal(status) && status.placementId in state.placements);
    for (const [deployment, group] of Map.groupBy(living, ({ placementId }) => state.placements[placementId]?.deployment ?? "")) {
      const report: NodeReport = { kind: "observed", node: name, statuses: group };
      this.#context.tell(addressOf(tenant, "deployment", deployment), report, "observed");
    }
  }

  #tellIngress(session: string, status: IngressStatus): void {
    const { tenant, name } = partsOf(this.#context.address);
    const report: IngressReport = { kind: "ingress-status", node: name, session, status };
    this.#context.tell(addressOf(tenant, "ingress"), report, "ingress");
  }

  #command(command: NodeCommand): void {
    this.#context.command(command, command.kind);
  }

  #heard(): void {
    this.#lastHeardAtMs = this.#ports.clock.nowMs();
    this.#heardNothingYet();
  }

  #heardNothingYet(): void {
    this.#silence?.cancel();
    this.#silence = this.#ports.clock.after(HEARTBEAT_LOST_AFTER_MS, () => this.#silent());
  }

  /** When our own line to the broker is down, everybody seems silent: that says nothing about the node. */
  #silent(): void {
    if (this.#ports.bus.status().kind === "connected")
      this.#command({ kind: "declare-lost", reason: `no word from its agent for ${HEARTBEAT_LOST_AFTER_MS / 1000} s` });
    else this.#heardNothingYet();
  }
}
