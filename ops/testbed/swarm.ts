import { setTimeout as delay } from "node:timers/promises";
import { until } from "./command.ts";
import { engineRequest } from "./engine-http.ts";
import type { Testbed } from "./testbed.ts";

/**
 * How Docker Swarm does on a testbed's nodes: the yardstick our own figures stand beside, measured on the same engines in
 * the same run. Node 1 manages. All figures are seconds from the request until the condition holds as node 1's engine
 * tells it; "running" is Swarm's own task state. The images come from the testbed's registry: without one that answers,
 * every start would wait for a pull to fail.
 */
const POLL_MS = 20;
/** A measurement that takes longer has failed. */
const MEASURE_TIMEOUT_MS = 120_000;
/** Before a process is killed its service rests, so that the wait for its replacement is measured and nothing else. */
const REST_MS = 3_000;
const SWARM_PORT = 2377;

interface Task {
  readonly ID: string;
  readonly NodeID: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly ContainerStatus?: { readonly ContainerID: string } };
}

/** Joins all nodes of the testbed into one swarm. Needs engines that stop their containers (Swarm refuses live-restore). */
export async function formSwarm(bed: Testbed): Promise<void> {
  const [manager, ...workers] = bed.nodes;
  if (manager === undefined) return;
  await manager.docker(["swarm", "init", "--advertise-addr", manager.address]);
  const token = (await manager.docker(["swarm", "join-token", "-q", "worker"])).trim();
  await Promise.all(workers.map((node) => node.docker(["swarm", "join", "--token", token, `${manager.address}:${SWARM_PORT}`])));
}

export async function leaveSwarm(bed: Testbed): Promise<void> {
  await Promise.all(bed.nodes.map((node) => node.docker(["swarm", "leave", "--force"])));
}

/** From the request for a new service to all of its replicas running. */
export async function measureCreate(bed: Testbed, replicas: number): Promise<number> {
  const start = performance.now();
  const service = await create(bed, replicas);
  await untilRunning(bed, service, replicas);
  const seconds = secondsSince(start);
  await remove(bed, service);
  return seconds;
}

/** A change of image: each new replica before its old one, one at a time, no delay, watched for 1 s; until Swarm calls it completed. */
export async function measureUpdate(bed: Testbed, replicas: number): Promise<number> {
  const policy = ["--update-order", "start-first", "--update-parallelism", "1", "--update-delay", "0s", "--update-monitor", "1s"];
  const service = await create(bed, replicas, policy);
  await untilRunning(bed, service, replicas);
  const seconds = await updateImage(bed, service, bed.registry.reference(bed.images.bb2));
  await remove(bed, service);
  return seconds;
}

/** Until Swarm calls it completed. */
export async function updateImage(bed: Testbed, service: string, image: string): Promise<number> {
  const start = performance.now();
  await bed.node(1).docker(["service", "update", "-d", "--image", image, service]);
  const completed = async (): Promise<boolean> => {
    const { UpdateStatus: status } = await get<{ UpdateStatus?: { State: string } }>(bed, `/services/${service}`);
    return status?.State === "completed";
  };
  await until("Swarm completes the update", completed, MEASURE_TIMEOUT_MS, POLL_MS);
  return secondsSince(start);
}

/** From kill -9 of a replica's process to its replacement running, with no delay before restarts; one figure per round. */
export async function measureReplacement(bed: Testbed, rounds: number): Promise<readonly number[]> {
  const replicas = 2 * bed.nodes.length;
  const service = await create(bed, replicas, ["--restart-delay", "0s"]);
  const figures: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await untilRunning(bed, service, replicas);
    await delay(REST_MS);
    figures.push(await replaceOne(bed, service));
  }
  await remove(bed, service);
  return figures;
}

async function replaceOne(bed: Testbed, service: string): Promise<number> {
  const node = bed.nodes.length;
  const { Swarm: swarm } = await getFrom<{ Swarm: { NodeID: string } }>(bed, node, "/info");
  const before = await tasksOf(bed, service);
  const victim = before.find((task) => task.NodeID === swarm.NodeID && task.Status.State === "running")?.Status.ContainerStatus;
  if (victim === undefined) throw new Error(`no replica of ${service} runs on node${node}`);
  const pid = await bed.containerPid(node, victim.ContainerID);
  const known = new Set(before.map((task) => task.ID));
  const replaced = async (): Promise<boolean> =>
    (await tasksOf(bed, service)).some((task) => !known.has(task.ID) && task.Status.State === "running");
  const start = performance.now();
  process.kill(pid, "SIGKILL");
  await until("the replacement runs", replaced, MEASURE_TIMEOUT_MS, POLL_MS);
  return secondsSince(start);
}

async function create(bed: Testbed, replicas: number, more: readonly string[] = []): Promise<string> {
  const options = ["-d", "--replicas", String(replicas), "--stop-grace-period", "1s", ...more];
  return (await bed.node(1).docker(["service", "create", ...options, bed.registry.reference(bed.images.bb1)])).trim();
}

/** Removes a service; returns when its containers are gone from every node, so that the next measurement starts on quiet engines. */
export async function remove(bed: Testbed, service: string): Promise<void> {
  await bed.node(1).docker(["service", "rm", service]);
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.swarm.service.id=${service}`] }));
  const left = (node: number): Promise<readonly unknown[]> => getFrom(bed, node, `/containers/json?all=1&filters=${filters}`);
  const gone = async (): Promise<boolean> => (await Promise.all(bed.nodes.map((node) => left(node.number)))).flat().length === 0;
  await until("the service's containers are gone", gone, MEASURE_TIMEOUT_MS, 10 * POLL_MS);
}

export function untilRunning(bed: Testbed, service: string, replicas: number): Promise<void> {
  const allRun = async (): Promise<boolean> => {
    const tasks = await tasksOf(bed, service);
    return tasks.filter((task) => task.Status.State === "running" && task.DesiredState === "running").length === replicas;
  };
  return until(`${replicas} replicas run`, allRun, MEASURE_TIMEOUT_MS, POLL_MS);
}

const tasksOf = (bed: Testbed, service: string): Promise<readonly Task[]> =>
  get(bed, `/tasks?filters=${encodeURIComponent(JSON.stringify({ service: [service] }))}`);

const get = <T>(bed: Testbed, path: string): Promise<T> => getFrom(bed, 1, path);

async function getFrom<T>(bed: Testbed, node: number, path: string): Promise<T> {
  const { status, text } = await engineRequest(bed.node(node).dockerHost, "GET", path);
  if (status !== 200) throw new Error(`the engine of node${node} answered ${status} to ${path}: ${text}`);
  return JSON.parse(text) as T;
}

const secondsSince = (start: number): number => (performance.now() - start) / 1_000;
