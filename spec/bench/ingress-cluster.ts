import { setTimeout as delay } from "node:timers/promises";
import { appImage } from "../../ops/testbed/app-image.ts";
import { SwarmIngress, type SwarmSite } from "../../ops/testbed/swarm-ingress.ts";
import { formSwarm, leaveSwarm } from "../../ops/testbed/swarm.ts";
import { Cluster } from "../support/cluster.ts";
import { lanesOf, Load } from "../support/load/load.ts";
import type { LoadResult } from "../support/load/plan.ts";

/**
 * Ingress of three nodes as a whole: how long a replica that is healthy waits for its first request, how long one that is not still gets some, and what a
 * rolling update of ten under load loses, beside Swarm on the same engines in the same run. Swarm's routing mesh needs IPVS of the kernel, and where there
 * is none it refuses connections; so Swarm stands here as its users run it with Traefik. Both are asked at node 1.
 */
const ROUNDS = 5;
const UPDATE_REPLICAS = 10;
const UPDATE_LANES = 16;
const STEADY_MS = 5_000;
const HEALTH_PROGRAM = "fetch('http://127.0.0.1:8080/healthz').then((answer) => process.exit(answer.ok ? 0 : 1))";
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
  report("ours", await measured(async () => void (await cluster.run("update", "web", "--image", two, "--wait"))));
  await cluster.api("DELETE", "/deployments/web");
  await cluster.until("it is gone", async () => (await cluster.api("GET", "/deployments/web")).status === 404);
  await cluster.until("its port is free", async () => (await fetch(urlAtNode(1)).catch(refusal)) === "ECONNREFUSED");
  const proxy = await programOfProxy();
  await Promise.all(cluster.bed.nodes.map(({ number }) => cluster.killAgent(number, "SIGTERM")));
  await cluster.killControlPlane("SIGTERM");
  await Promise.all(cluster.bed.nodes.map(async (node) => node.docker(["rm", "--force", await proxyOf(node.number)])));
  await formSwarm(cluster.bed);
  const swarm = await SwarmIngress.start(cluster.bed, {
    image: one,
    replicas: UPDATE_REPLICAS,
    port: PORT,
    proxy,
    containerPort: 8080,
    healthCommand: ["/bin/node", "--eval", HEALTH_PROGRAM],
  });
  report("Swarm with Traefik", await measured(async () => void (await swarm.update(two))));
  await swarm.stop();
  await leaveSwarm(cluster.bed);
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
  const response = await fetch(urlAtNode(2), {
    signal: AbortSignal.timeout(5_000),
    headers: { connection: "close" },
  });
  return response.ok ? ((await response.text()).split(" ")[0] ?? "") : "";
}

interface Update {
  readonly steady: LoadResult;
  readonly seconds: number;
  readonly during: LoadResult;
}

/** The same load for a while before, and then during an update. */
async function measured(update: () => Promise<void>): Promise<Update> {
  const start = (): Promise<Load> =>
    Load.start({
      targets: [urlAtNode(1)],
      lanes: lanesOf(UPDATE_LANES, [
        { method: "GET", path: "/" },
        { method: "POST", path: "/echo", bodyBytes: 2_000 },
      ]),
    });
  const before = await start();
  await delay(STEADY_MS);
  const steady = await before.stop();
  const load = await start();
  const began = performance.now();
  await update();
  const seconds = (performance.now() - began) / 1_000;
  return { steady, seconds, during: await load.stop() };
}

function report(who: string, { steady, seconds, during }: Update): void {
  const latency = ({ requests, durationMs, p50Ms, p99Ms }: LoadResult): string =>
    `${((1_000 * requests) / durationMs).toFixed(0)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  console.log(`${who}, ${UPDATE_REPLICAS} replicas under load: ${latency(steady)}, ${steady.failures.length} lost`);
  console.log(
    `${who}, rolling update in ${seconds.toFixed(1)} s: ${during.requests} requests, ${during.failures.length} lost; ${latency(during)}`,
  );
}

/** The test server answers with its container's host name: deployment and slot. */
async function untilFirstRequests(): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await cluster.run("scale", "web", "1", "--wait");
    await since(async () => (await cluster.containers("web")).length === 1);
    const known = new Set((await cluster.containers("web")).map(({ id }) => id));
    await cluster.api("POST", "/deployments/web/scale", { replicas: 2 });
    const firstAnswers = new Map<string, number>();
    let name: string | undefined;
    const [healthyMs] = await Promise.all([
      since(async () => {
        const added = (await cluster.containers("web")).find(({ id, health }) => !known.has(id) && health === "healthy");
        name = added === undefined ? undefined : `web-${added.slot}`;
        return name !== undefined;
      }),
      since(async () => {
        const answered = await nameOfAnswer();
        if (!firstAnswers.has(answered)) firstAnswers.set(answered, performance.now());
        return name !== undefined && firstAnswers.has(name);
      }),
    ]);
    figures.push((firstAnswers.get(name ?? "") ?? NaN) - healthyMs);
  }
  return figures;
}

/** Swarm is given the very proxy that ours ran. */
async function programOfProxy(): Promise<SwarmSite["proxy"]> {
  const format = "{{.Config.Image}} {{.Path}}";
  const [image = "", program = ""] = (await cluster.bed.node(1).docker(["inspect", "--format", format, await proxyOf(1)]))
    .trim()
    .split(" ");
  return { image, program };
}

async function proxyOf(node: number): Promise<string> {
  return (await cluster.bed.node(node).docker(["ps", "-q", "--filter", "label=dev.odysseus.role=proxy"])).trim();
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
      targets: [urlAtNode(2)],
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

function urlAtNode(number: number): string {
  return `http://${cluster.bed.node(number).address}:${PORT}`;
}

/** `ECONNREFUSED` where nothing listens. */
function refusal(error: unknown): unknown {
  return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
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
