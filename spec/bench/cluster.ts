import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { formSwarm, leaveSwarm, measureCreate, measureReplacement, measureUpdate } from "../../ops/testbed/swarm.ts";
import { Cluster } from "../support/cluster.ts";

/**
 * Odysseus beside Docker Swarm on the same three engines, one after the other, in seconds. Both pull from a registry that answers, both stop with a grace
 * of one second, both roll out new before old, one at a time. `running` is each one's own word for it: Swarm's task state, our replica's health.
 */
const CREATE_SIZES = [10, 30, 60];
const UPDATE_REPLICAS = 10;
const KILL_ROUNDS = 5;
const POLL_MS = 20;
const TIMEOUT_MS = 180_000;

const report = (what: string, ours: number, swarm: number): void =>
  console.log(`${what.padEnd(52)} ours ${ours.toFixed(2)} s   Swarm ${swarm.toFixed(2)} s   ratio ${(ours / swarm).toFixed(2)}`);

const cluster = await Cluster.start({ name: "bench" });
try {
  const ours = await measureOurs();
  await Promise.all(cluster.bed.nodes.map(({ number }) => cluster.killAgent(number, "SIGTERM")));
  await cluster.killControlPlane("SIGTERM");
  await formSwarm(cluster.bed);
  for (const [index, size] of CREATE_SIZES.entries())
    report(`create ${size} replicas`, ours.create[index] ?? NaN, await measureCreate(cluster.bed, size));
  report(
    "kill -9 to its replacement running (median)",
    median(ours.replacement),
    median(await measureReplacement(cluster.bed, KILL_ROUNDS)),
  );
  const swarmUpdate = await measureUpdate(cluster.bed, UPDATE_REPLICAS);
  report("rolling update of 10, next when the new one runs", ours.update, swarmUpdate);
  report("rolling update of 10, each healthy for 1 s first", ours.carefulUpdate, swarmUpdate);
  await leaveSwarm(cluster.bed);
} finally {
  await cluster.stop();
}

async function measureOurs(): Promise<{ create: number[]; replacement: number[]; update: number; carefulUpdate: number }> {
  const create: number[] = [];
  for (const size of CREATE_SIZES) create.push(await timeCreate(size));
  memory("with 0 containers, after 100");
  return { create, replacement: await timeReplacements(), update: await timeUpdate(0), carefulUpdate: await timeUpdate(1_000) };
}

function spec(tag: "bb1" | "bb2", replicas: number, minHealthyMs: number): Record<string, unknown> {
  return { image: cluster.image(tag), replicas, stopGraceMs: 1_000, rollout: { minHealthyMs, maxSurge: 1, maxUnavailable: 0 } };
}

async function timeCreate(replicas: number): Promise<number> {
  const start = performance.now();
  await cluster.api("POST", "/deployments", { name: "b", ...spec("bb1", replicas, 0) });
  await waitFor(async () => (await cluster.deployment("b")).healthyReplicas === replicas);
  const seconds = since(start);
  memory(`with ${replicas} containers`);
  await remove("b");
  return seconds;
}

async function timeUpdate(minHealthyMs: number): Promise<number> {
  await cluster.api("POST", "/deployments", { name: "u", ...spec("bb1", UPDATE_REPLICAS, minHealthyMs) });
  await waitFor(async () => (await cluster.deployment("u")).rollout.outcome === "succeeded");
  const start = performance.now();
  await cluster.api("PATCH", "/deployments/u", { image: cluster.image("bb2") });
  await waitFor(async () => (await cluster.deployment("u")).rollout.outcome !== "in-progress");
  const { outcome } = (await cluster.deployment("u")).rollout;
  if (outcome !== "succeeded") throw new Error(`the update ended as ${outcome}`);
  const seconds = since(start);
  await remove("u");
  return seconds;
}

async function timeReplacements(): Promise<number[]> {
  await cluster.api("POST", "/deployments", { name: "k", ...spec("bb1", 6, 0) });
  await waitFor(async () => (await cluster.deployment("k")).healthyReplicas === 6);
  const figures: number[] = [];
  for (let round = 0; round < KILL_ROUNDS; round++) {
    await delay(3_000);
    // Each round another replica: one that dies again and again waits longer each time, on purpose.
    const victim = (await cluster.containers("k")).toSorted((a, b) => a.slot - b.slot)[round];
    if (victim?.containerId === undefined || victim.node === undefined) throw new Error(`replica ${round + 1} does not run`);
    const killed = performance.now();
    await cluster.bed.killProcess(Number(victim.node.slice(1)), victim.containerId);
    await waitFor(async () => {
      const now = (await cluster.containers("k")).find(({ id }) => id === victim.id);
      return now?.containerId !== undefined && now.containerId !== victim.containerId && now.health === "healthy";
    });
    figures.push(since(killed));
  }
  await remove("k");
  return figures;
}

async function remove(name: string): Promise<void> {
  await cluster.api("DELETE", `/deployments/${name}`);
  await waitFor(async () => (await cluster.api("GET", `/deployments/${name}`)).status === 404);
}

function memory(when: string): void {
  const pids = [cluster.controlPlanePid, ...cluster.agentPids()];
  const [controlPlane = 0, ...agents] = pids.map(residentMebibytes);
  console.log(`memory ${when.padEnd(30)} control plane ${controlPlane} MiB, agents ${agents.join(", ")} MiB`);
}

function residentMebibytes(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024);
}

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${TIMEOUT_MS / 1_000} s`);
    await delay(POLL_MS);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function since(start: number): number {
  return (performance.now() - start) / 1_000;
}
