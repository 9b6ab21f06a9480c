import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TENANT } from "../../ops/control-plane/run.ts";
import { agentProcess } from "../../ops/agent/process.ts";
import type { AgentFileInput } from "../../ops/agent/settings.ts";
import { controlPlane, inboxPrefix, type AgentIdentity } from "../../ops/nats/identity.ts";
import { startNats, type NatsServer } from "../../ops/nats/nats.ts";
import { until } from "../../ops/testbed/command.ts";
import type { GuestProcess } from "../../ops/testbed/node.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import type { ContainerView, DeploymentView, NodeView } from "../../actors/views.ts";
import { natsProgram } from "./nats-program.ts";
import { toolProgram } from "./tool-program.ts";

const START_TIMEOUT_MS = 60_000;
const ROOT = new URL("../../", import.meta.url).pathname;
const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real thing on one machine: three engines, an agent process beside each, a control plane process, a NATS server, and the CLI as a person runs it. */
export class Cluster {
  readonly bed: Testbed;
  readonly home: string;
  readonly #nats: NatsServer;
  readonly #agents = new Map<number, GuestProcess>();
  #controlPlane: ChildProcess | undefined;
  #port = 0;

  private constructor(bed: Testbed, nats: NatsServer, home: string) {
    this.bed = bed;
    this.#nats = nats;
    this.home = home;
  }

  static async start({
    name,
    nodes = 3,
    onEngineStop = "stop-containers",
  }: {
    readonly name: string;
    readonly nodes?: number;
    readonly onEngineStop?: "stop-containers" | "keep-containers";
  }): Promise<Cluster> {
    const bed = await Testbed.create({ name, nodes, onEngineStop });
    const home = mkdtempSync(join(tmpdir(), "odysseus-cluster-"));
    try {
      await bed.up();
      const agents = bed.nodes.map(({ number }) => identityOf(number));
      const nats = await startNats({
        folder: join(home, "nats"),
        program: await natsProgram(),
        agents,
        listen: { host: bed.address },
        say: () => undefined,
      });
      const cluster = new Cluster(bed, nats, home);
      await cluster.startControlPlane();
      await Promise.all(bed.nodes.map(({ number }) => cluster.startAgent(number)));
      await cluster.until(
        "all nodes are healthy",
        async () => (await cluster.nodes()).filter(({ status }) => status === "healthy").length === nodes,
      );
      return cluster;
    } catch (error) {
      await bed.down();
      rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const number of this.#agents.keys()) await this.killAgent(number, "SIGTERM");
    await this.killControlPlane("SIGTERM");
    await this.#nats.stop();
    await this.bed.down();
    rmSync(this.home, { recursive: true, force: true });
  }

  get controlPlanePid(): number {
    return this.#controlPlane?.pid ?? 0;
  }

  /** Of the agents' own processes, in the order of their nodes. */
  agentPids(): readonly number[] {
    return this.bed.nodes.flatMap(({ number }) => pidOf(join(this.home, "agents", `n${number}`, "agent.json")));
  }

  /** A reference the engines can pull. */
  image(image: "bb1" | "bb2" | "crash" | "sick" | "alien"): string {
    return this.bed.registry.reference(this.bed.images[image]);
  }

  async startControlPlane(): Promise<void> {
    const { caFile, certFile, keyFile } = await this.#nats.tlsFor(controlPlane);
    const log = openSync(join(this.home, "console.log"), "a");
    const child = spawn(
      NODE[0],
      [NODE[1], join(ROOT, "ops/control-plane/main.ts"), "--no-node", "--yes", "--home", this.home, "--port", String(this.#port)],
      {
        stdio: ["ignore", "pipe", log] as const,
        env: { ...process.env, NATS_URL: this.#nats.url, NATS_CA: caFile, NATS_CERT: certFile, NATS_KEY: keyFile },
      },
    );
    this.#controlPlane = child;
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    await until(
      `the control plane is ready (${this.home}/console.log)`,
      async () => output.includes("Odysseus is ready") || child.exitCode !== null,
      START_TIMEOUT_MS,
    );
    const url = /ready: (\S+)/.exec(output)?.[1];
    if (url === undefined)
      throw new Error(`the control plane did not start: ${readFileSync(join(this.home, "console.log"), "utf8").slice(-2_000)}`);
    this.#port = Number(new URL(url).port);
  }

  async killControlPlane(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#controlPlane;
    this.#controlPlane = undefined;
    if (child !== undefined) await ended(child, () => child.kill(signal));
  }

  /** The server comes back by itself; what is on its way meanwhile is lost. */
  async killNats(): Promise<void> {
    const before = this.#nats.pid();
    if (before !== undefined) process.kill(before, "SIGKILL");
    await until("NATS is back", () => this.#nats.pid() !== undefined && this.#nats.pid() !== before, START_TIMEOUT_MS);
  }

  async startAgent(number: number): Promise<void> {
    const node = this.bed.node(number);
    const directory = join(this.home, "agents", `n${number}`);
    mkdirSync(directory, { recursive: true });
    const { caFile, certFile, keyFile } = await this.#nats.tlsFor(identityOf(number));
    const settings: AgentFileInput = {
      tenant: TENANT,
      node: `n${number}`,
      engineSocket: node.dockerHost,
      engineDataRoot: "/",
      directory: join(node.shared.onMachine, "agent"),
      runDirectory: join(node.memoryDirectory, "agent"),
      enginePaths: [{ agent: node.shared.onMachine, engine: node.shared.inNode }],
      nats: { url: this.#nats.url, inboxPrefix: inboxPrefix(identityOf(number)), tls: { caFile, certFile, keyFile } },
      labels: { zone: number % 2 === 0 ? "b" : "a" },
      address: node.address,
      ingress: { kind: "program", path: await toolProgram("traefik") },
    };
    const file = join(directory, "agent.json");
    writeFileSync(file, JSON.stringify(settings));
    const { command, env } = await agentProcess(file, join(ROOT, "node_modules/.cache/odysseus-agent"));
    this.#agents.set(number, node.spawn(command, { env, logPath: join(directory, "agent.log") }));
  }

  async killAgent(number: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const agent = this.#agents.get(number);
    this.#agents.delete(number);
    if (agent !== undefined) await ended(agent.child, () => agent.kill(signal));
  }

  /** As a person runs it, signed in by the profile in the state directory. */
  cli(...args: readonly string[]): Promise<CliResult> {
    return new Promise((resolve) => {
      const child = spawn(NODE[0], [NODE[1], join(ROOT, "ops/cli/main.ts"), ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ODYSSEUS_HOME: this.home, NO_COLOR: "1" },
      });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      child.on("close", (exitCode) => resolve({ exitCode: exitCode ?? -1, stdout, stderr }));
    });
  }

  /** As `cli`, for a command that must succeed. */
  async run(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.cli(...args);
    if (exitCode !== 0) throw new Error(`odysseus ${args.join(" ")} ended with ${exitCode}:\n${stderr}${stdout}`);
    return stdout;
  }

  async api(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const { url, token } = JSON.parse(readFileSync(join(this.home, "profile.json"), "utf8")) as { url: string; token: string };
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: await response.json() };
  }

  async nodes(): Promise<readonly NodeView[]> {
    return ((await this.api("GET", "/nodes")).body as { items: NodeView[] }).items;
  }

  async deployment(name: string): Promise<DeploymentView> {
    return (await this.api("GET", `/deployments/${name}`)).body as DeploymentView;
  }

  /** Those that live; what has ended stays listed as stopped. */
  async containers(deployment: string): Promise<readonly ContainerView[]> {
    const { items } = (await this.api("GET", `/containers?deployment=${deployment}&limit=500`)).body as { items: ContainerView[] };
    return items.filter(({ phase }) => phase !== "stopped");
  }

  /** Waits for a condition, not for time; says what it waited for when it never holds. */
  until(what: string, holds: () => Promise<boolean>, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    return until(what, () => holds().catch(() => false), timeoutMs);
  }

  untilHealthy(deployment: string, replicas: number, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    return this.until(
      `${deployment} has ${replicas} healthy replicas`,
      async () => {
        const containers = await this.containers(deployment);
        return containers.length === replicas && containers.every(({ health }) => health === "healthy");
      },
      timeoutMs,
    );
  }
}

/** The process that was started with this file; its parents are wrappers that entered namespaces. */
function pidOf(settingsFile: string): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      return words[0] === NODE[0] && words.includes(settingsFile) ? [Number(entry)] : [];
    } catch {
      return []; // It ended while we looked.
    }
  });
}

function identityOf(number: number): AgentIdentity {
  return { kind: "agent", tenant: TENANT, node: `n${number}` };
}

function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    end();
  });
}
