import { setTimeout as delay } from "node:timers/promises";
import { appImage } from "../../ops/testbed/app-image.ts";
import { Cluster } from "../support/cluster.ts";
import { lanesOf, Load } from "../support/load/load.ts";

/**
 * Ingress of three nodes as a whole: how long a replica that is healthy waits for its first request, how long one that is not still gets some, and what a
 * rolling update of ten under load loses. Swarm's routing mesh needs IPVS of the kernel; where there is none it refuses connections, and there is no rival.
 */
const ROUNDS = 5;
const UPDATE_REPLICAS = 10;
const ASK_EVERY_MS = 5;
const TIMEOUT_MS = 60_000;
const PORT = 8080;

const cluster = await Cluster.start({ name: "bench-traffic" });
try {
  const images = ["1", "2"].map((version) => appImage(version));
  for (const image of images) await cluster.bed.registry.push(image);
  const [one = "", two = ""] = images.map((image) => cluster.bed.registry.reference(image));
  await deploy({ name: "web", image: one, replicas: 1 });
  console.log(`healthy until its first request through another node: ${shown(await untilFirstRequests())}`);
  console.log(`unhealthy until its last request: ${shown(await untilLastRequests())}`);
  await cluster.run("scale", "web", String(UPDATE_REPLICAS), "--wait");
  const load = await Load.start({
    targets: cluster.bed.nodes.map(({ address }) => `http://${address}:${PORT}`),
    lanes: lanesOf(16, [
      { method: "GET", path: "/" },
      { method: "POST", path: "/echo", bodyBytes: 2_000 },
    ]),
  });
  const began = performance.now();
  await cluster.run("update", "web", "--image", two, "--wait");
  const seconds = (performance.now() - began) / 1_000;
  const { requests, failures, p50Ms, p99Ms } = await load.stop();
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  console.log(
    `rolling update of ${UPDATE_REPLICAS} under load: ${seconds.toFixed(1)} s, ${requests} requests, ${failures.length} lost; ${latency}`,
  );
} finally {
  await cluster.stop();
}

async function deploy(spec: Readonly<Record<string, unknown>>): Promise<void> {
  const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 200, timeoutMs: 2_000, retries: 2 };
  const ports = [{ containerPort: 8080, publishedPort: PORT }];
  await cluster.api("POST", "/deployments", { ...spec, health, ports, stopGraceMs: 2_000, rollout: { minHealthyMs: 500 } });
  await cluster.until("it has been rolled out", async () => (await cluster.deployment("web")).rollout.outcome === "succeeded");
  await since(async () => (await nameOfAnswer()) !== "");
}

/** Of the replica that answers on node 2, whose name is its container's. */
async function nameOfAnswer(): Promise<string> {
  const response = await fetch(`http://${cluster.bed.node(2).address}:${PORT}/`, {
    signal: AbortSignal.timeout(5_000),
    headers: { connection: "close" },
  });
  return response.ok ? ((await response.text()).split(" ")[0] ?? "") : "";
}

async function untilFirstRequests(): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await cluster.run("scale", "web", "1", "--wait");
    const known = await nameOfAnswer();
    await cluster.api("POST", "/deployments/web/scale", { replicas: 2 });
    const [healthyMs, firstMs] = await Promise.all([
      since(async () => (await cluster.deployment("web")).healthyReplicas === 2),
      since(async () => ![known, ""].includes(await nameOfAnswer())),
    ]);
    figures.push(firstMs - healthyMs);
  }
  return figures;
}

/** A process that is stopped answers neither requests nor probes. */
async function untilLastRequests(): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await cluster.untilHealthy("web", 2);
    const [victim] = (await cluster.containers("web")).toSorted((a, b) => b.slot - a.slot);
    if (victim?.containerId === undefined || victim.node === undefined) throw new Error("no replica runs");
    const node = Number(victim.node.slice(1));
    const pid = await cluster.bed.containerPid(node, victim.containerId);
    const load = await Load.start({
      targets: [`http://${cluster.bed.node(2).address}:${PORT}`],
      lanes: lanesOf(8, [{ method: "GET", path: "/", timeoutMs: 1_000 }]),
      pauseMs: ASK_EVERY_MS,
    });
    process.kill(pid, "SIGSTOP");
    await since(async () => (await cluster.containers("web")).some(({ id, health }) => id === victim.id && health !== "healthy"));
    const unhealthyMs = Date.now();
    await cluster.until("it is replaced", async () =>
      (await cluster.containers("web")).some(({ id, restarts, health }) => id === victim.id && restarts > round && health === "healthy"),
    );
    const { failures } = await load.stop();
    // A request fails when its client has waited for 1 s: that long before it was sent.
    figures.push(Math.max(0, ...failures.map(({ atMs, afterMs }) => atMs - afterMs - unhealthyMs)));
  }
  return figures;
}

async function since(holds: () => Promise<boolean>): Promise<number> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within ${TIMEOUT_MS / 1_000} s`);
    await delay(ASK_EVERY_MS);
  }
  return performance.now();
}

function shown(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `median ${(sorted[Math.floor(sorted.length / 2)] ?? NaN).toFixed(0)} ms, longest ${(sorted.at(-1) ?? NaN).toFixed(0)} ms`;
}
