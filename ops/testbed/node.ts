import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bridgeAddress, lan, machineAddress, networkPool, nodeAddress, nodeCgroup, nodeNamespace } from "./addresses.ts";
import { type BedRecord, bedDirectory, memoryDirectory, runDirectory } from "./bed-record.ts";
import { CGROUP_ROOT, cgroupMembers, cgroupPath, isMember, killMembers, processIds, removeCgroup } from "./cgroup.ts";
import { run, until } from "./command.ts";
import { ping } from "./engine-http.ts";
import { plugIn, removeNodeNamespace, unplug } from "./network.ts";
import { type SpawnInGroupOptions, spawnInGroup } from "./process-in-group.ts";

/** A node's PID 1 stands within 100 ms and its engine within 2 s on a quiet machine. */
const BOOT_TIMEOUT_MS = 20_000;
const ENGINE_TIMEOUT_MS = 60_000;
const NODE_INIT = join(dirname(fileURLToPath(import.meta.url)), "node-init.sh");
/** Nothing of the caller's environment reaches into a node. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" } as const;
/** Where a node's own programs find its engine. */
export const ENGINE_SOCKET_IN_NODE = "/run/node/docker.sock";
/** The command line client in a node, as it is started there. */
export const DOCKER = ["docker", "-H", `unix://${ENGINE_SOCKET_IN_NODE}`] as const;

export interface GuestProcess {
  /** Its standard output and error are pipes. */
  readonly child: ChildProcess;
  /** Ends it: signals to `child` alone would only reach the wrapper that entered the namespaces. */
  kill(signal: NodeJS.Signals): void;
}

/** One host of the testbed: own network, processes, mounts, host name, and its own Docker engine. */
export class TestbedNode {
  readonly number: number;
  readonly hostname: string;
  /** On the testbed's network, e.g. `10.117.0.11`. */
  readonly address: string;
  /** Absolute path of the engine's unix socket. */
  readonly dockerHost: string;
  /** In memory, like /run; under the same path on the machine and in the node; gone after a reboot. */
  readonly memoryDirectory: string;
  /** A directory of the machine that the node sees too, under another path; it stays over a reboot. */
  readonly shared: { readonly onMachine: string; readonly inNode: string };
  /** The mount point of what survives a reboot: the engine's data. */
  readonly #data: string;
  readonly #bed: BedRecord;
  readonly #rootfs: string;
  readonly #run: string;
  readonly #home: string;
  readonly #cgroup: string;

  constructor(cache: string, rootfs: string, bed: BedRecord, number: number) {
    this.#bed = bed;
    this.#rootfs = rootfs;
    this.number = number;
    this.hostname = `node${number}`;
    this.address = nodeAddress(bed, number);
    this.#run = join(runDirectory(bed), `n${number}`);
    this.#home = join(bedDirectory(cache, bed.name), `n${number}`);
    this.#data = join(this.#home, "data");
    this.#cgroup = nodeCgroup(bed, number);
    this.memoryDirectory = join(memoryDirectory(bed), `n${number}`);
    this.shared = { onMachine: join(this.#home, "shared"), inNode: "/run/shared" };
    this.dockerHost = join(this.#run, "docker.sock");
  }

  /** The engine's own log, all starts in one file. */
  get engineLogPath(): string {
    return join(this.#home, "dockerd.log");
  }

  get isPoweredOn(): boolean {
    return this.#init() !== undefined;
  }

  async powerOn(): Promise<void> {
    if (!this.isPoweredOn) {
      await this.#clear();
      await plugIn(this.#bed, this.number);
      await this.#boot();
    }
    if (!(await ping(this.dockerHost))) await this.startEngine();
  }

  /** Like pulling the plug: the cable falls silent, then every process is gone at once. The disk stays. */
  async powerOff(): Promise<void> {
    await unplug(this.#bed, this.number);
    const init = this.#init();
    if (init !== undefined) process.kill(init, "SIGKILL"); // the kernel ends the whole process namespace
    await this.#clear();
  }

  async startEngine(): Promise<void> {
    const command = this.entering(["dockerd", ...this.#engineArguments()]);
    const wrapper = spawnInGroup(`${this.#cgroup}/engine`, command, { env: ENVIRONMENT, logPath: this.engineLogPath });
    const answers = (): Promise<boolean> => {
      if (wrapper.exitCode !== null) throw new Error(`the engine of ${this.hostname} ended at once: see ${this.engineLogPath}`);
      return ping(this.dockerHost);
    };
    await until(`the engine of ${this.hostname} answers (${this.engineLogPath})`, answers, ENGINE_TIMEOUT_MS, 50);
  }

  /** Only the engine; whether containers live on depends on how the testbed was made. Returns when the process is gone. */
  async killEngine(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const pid = (await this.enter("cat /run/node/docker.pid")).trim();
    await this.enter(["kill", "-s", signal.replace("SIG", ""), pid]);
    const gone = async (): Promise<boolean> => !(await ping(this.dockerHost)) && !(await this.#engineRuns(pid));
    await until(`the engine of ${this.hostname} ends`, gone, ENGINE_TIMEOUT_MS, 50);
  }

  async restartEngine(): Promise<void> {
    await this.killEngine("SIGTERM");
    await this.startEngine();
  }

  /** Runs a command in the node (a shell line, or words) and gives its standard output. */
  enter(command: string | readonly string[]): Promise<string> {
    const words = typeof command === "string" ? ["sh", "-c", command] : command;
    const [program, ...args] = this.entering(words);
    return run(program, args, { env: ENVIRONMENT });
  }

  /** The words that run a command in the node, for a caller that wants pipes of its own. */
  entering(command: readonly string[]): readonly [program: string, ...args: string[]] {
    return ["nsenter", "-t", String(this.#runningInit()), "-m", "-p", "-u", "-i", "-n", "--", ...command];
  }

  /** The docker command line client inside the node, e.g. `docker(["ps", "-q"])`. */
  docker(args: readonly string[]): Promise<string> {
    return this.enter([...DOCKER, ...args]);
  }

  /**
   * Starts a program of the machine (its files, not the node's) in the node's network, as a process of the node: it sees
   * partitions and dies with the power. Node agents run like this.
   */
  spawn(command: readonly string[], options: SpawnInGroupOptions = {}): GuestProcess {
    const child = spawnInGroup(`${this.#cgroup}/guests`, ["nsenter", "-t", String(this.#runningInit()), "-p", "-n", ...command], options);
    return { child, kill: (signal) => signalChildren(child, signal) };
  }

  /** The process id, as this machine sees it, of a running container's first process. */
  async containerPid(container: string): Promise<number> {
    const inspected = await this.docker(["inspect", "--format", "{{.Id}} {{.State.Pid}}", container]);
    const [id = "", pidInNode] = inspected.trim().split(" ");
    const members = cgroupMembers(`${this.#cgroup}/containers/${id}`);
    const pid = members.find((member) => processIds(member).at(-2) === pidInNode);
    if (pid === undefined) throw new Error(`container ${container} has no running process on ${this.hostname}`);
    return pid;
  }

  /** What a container's group holds in the engine's cgroup hierarchy, e.g. to read `memory.events`. */
  containerCgroup(id: string): string {
    return cgroupPath(`${this.#cgroup}/containers/${id}`);
  }

  async #boot(): Promise<void> {
    for (const directory of [this.#run, this.#data, this.shared.onMachine, join(this.#home, "root")])
      mkdirSync(directory, { recursive: true });
    mkdirSync(this.memoryDirectory, { recursive: true, mode: 0o700 });
    const resolvConf = join(this.#home, "resolv.conf");
    writeFileSync(resolvConf, `nameserver ${machineAddress(this.#bed)}\n`); // refuses at once; a silent one costs 20 s per name
    const env = {
      ...ENVIRONMENT,
      HOSTNAME_OF_NODE: this.hostname,
      ROOTFS: this.#rootfs,
      ROOT: join(this.#home, "root"),
      DATA: this.#data,
      RUN: this.#run,
      SHARED: this.shared.onMachine,
      RESOLV_CONF: resolvConf,
    };
    const namespaces = ["unshare", "-m", "-u", "-i", "-p", "--fork", "--kill-child", "--propagation", "private"];
    const enterNetwork = ["nsenter", `--net=/run/netns/${nodeNamespace(this.#bed, this.number)}`];
    const logPath = join(this.#home, "init.log");
    const wrapper = spawnInGroup(`${this.#cgroup}/init`, [...enterNetwork, ...namespaces, NODE_INIT], { env, logPath });
    const ready = (): boolean => {
      if (wrapper.exitCode !== null) throw new Error(`${this.hostname} did not boot: ${readFileSync(logPath, "utf8")}`);
      return existsSync(join(this.#run, "ready"));
    };
    await until(`${this.hostname} boots (${logPath})`, ready, BOOT_TIMEOUT_MS);
    const init = cgroupMembers(`${this.#cgroup}/init`).find((pid) => processIds(pid).at(-1) === "1");
    if (init === undefined) throw new Error(`${this.hostname} has no first process: ${readFileSync(logPath, "utf8")}`);
    writeFileSync(join(this.#run, "init.pid"), String(init));
  }

  #engineArguments(): readonly string[] {
    const bed = this.#bed;
    return [
      "--data-root=/var/lib/docker",
      "--exec-root=/run/docker",
      "--pidfile=/run/node/docker.pid",
      `--host=unix://${ENGINE_SOCKET_IN_NODE}`,
      "--group=root",
      "--exec-opt=native.cgroupdriver=cgroupfs",
      `--cgroup-parent=/${CGROUP_ROOT}/${this.#cgroup}/containers`,
      `--bip=${bridgeAddress(bed, this.number)}`,
      `--default-address-pool=${networkPool(bed, this.number)}`,
      `--insecure-registry=${lan(bed)}`,
      ...bed.engineArguments,
    ];
  }

  /** What a dead node leaves outside of its namespaces. */
  async #clear(): Promise<void> {
    await killMembers(this.#cgroup);
    await unplug(this.#bed, this.number);
    await removeNodeNamespace(this.#bed, this.number);
    removeCgroup(this.#cgroup);
    for (const directory of [this.#run, this.memoryDirectory]) rmSync(directory, { recursive: true, force: true });
  }

  #engineRuns(pidInNode: string): Promise<boolean> {
    return this.enter(`[ -d /proc/${pidInNode} ] && echo yes || echo no`).then((answer) => answer.trim() === "yes");
  }

  /** The recorded first process, if it lives and is this node's: membership in the node's cgroup proves it. */
  #init(): number | undefined {
    const path = join(this.#run, "init.pid");
    const pid = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
    return pid > 0 && isMember(pid, this.#cgroup) ? pid : undefined;
  }

  #runningInit(): number {
    const init = this.#init();
    if (init === undefined) throw new Error(`${this.hostname} is powered off`);
    return init;
  }
}

function signalChildren(wrapper: ChildProcess, signal: NodeJS.Signals): void {
  if (wrapper.pid === undefined || wrapper.exitCode !== null) return;
  const children = readFileSync(`/proc/${wrapper.pid}/task/${wrapper.pid}/children`, "utf8").trim();
  for (const pid of children.split(" ")) if (pid !== "") process.kill(Number(pid), signal);
}
