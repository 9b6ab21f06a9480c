import { LABEL } from "../../../agent/labels.ts";
import { engineRequest } from "../../../ops/testbed/engine-http.ts";
import type { ContainerView } from "../../../actors/views.ts";
import type { Cluster } from "../../support/cluster.ts";

/** Three heartbeats, and time to place and start anew on a busy machine. */
export const LOST_AND_REPLACED_MS = 60_000;

/** A container of a deployment as an engine itself tells it, whatever the control plane believes. */
export interface EngineContainer {
  readonly node: string;
  readonly containerId: string;
  readonly placementId: string;
  readonly state: string;
}

interface ListedContainer {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** All containers of a deployment, dead ones too, on every engine that is powered on. */
export async function onEngines(cluster: Cluster, deployment: string): Promise<readonly EngineContainer[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL.deployment}=${deployment}`] }));
  const lists = await Promise.all(
    cluster.bed.nodes
      .filter(({ isPoweredOn }) => isPoweredOn)
      .map(async ({ number, dockerHost }) => {
        const { text } = await engineRequest(dockerHost, "GET", `/containers/json?all=true&filters=${filters}`);
        return (JSON.parse(text) as ListedContainer[]).map(({ Id, State, Labels }): EngineContainer => ({
          node: `n${number}`,
          containerId: Id,
          placementId: Labels[LABEL.placement] ?? "",
          state: State,
        }));
      }),
  );
  return lists.flat();
}

/** Waits until the engines hold exactly the replicas that are wanted: each running, none twice, nothing dead beside them. */
export async function untilEnginesAgree(cluster: Cluster, deployment: string, replicas: number, timeoutMs = 60_000): Promise<void> {
  await cluster.until(
    `the engines run ${replicas} of ${deployment} and nothing else of it`,
    async () => {
      const [found, wanted] = await Promise.all([onEngines(cluster, deployment), cluster.containers(deployment)]);
      const known = new Set(wanted.map(({ containerId }) => containerId));
      return (
        found.length === replicas &&
        wanted.length === replicas &&
        found.every(({ state, containerId }) => state === "running" && known.has(containerId))
      );
    },
    timeoutMs,
  );
}

/** The replicas of a deployment once all is calm: each healthy, and the engines hold them and nothing else. */
export async function untilCalm(cluster: Cluster, deployment: string, replicas: number): Promise<readonly ContainerView[]> {
  await cluster.untilHealthy(deployment, replicas);
  await untilEnginesAgree(cluster, deployment, replicas);
  return cluster.containers(deployment);
}

/** Waits until a node has been given up and all its replicas run on the others. */
export function untilReplacedElsewhere(cluster: Cluster, deployment: string, replicas: number, node: string): Promise<void> {
  return cluster.until(
    `all replicas of ${deployment} run on other nodes than ${node}`,
    async () => {
      const now = await cluster.containers(deployment);
      return now.length === replicas && now.every((container) => container.node !== node && container.health === "healthy");
    },
    LOST_AND_REPLACED_MS,
  );
}

export function untilNodeHealthy(cluster: Cluster, node: string): Promise<void> {
  return cluster.until(`${node} is healthy`, async () =>
    (await cluster.nodes()).some(({ name, status }) => name === node && status === "healthy"),
  );
}

/** Number of the testbed's node that a replica is on. */
export function nodeNumber({ node }: Pick<ContainerView, "node">): number {
  return Number(node?.slice(1));
}

/** A deployment of `sick` or `bb` images whose health is known within half a second. */
export function webSpec(name: string, image: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 300, timeoutMs: 2_000 };
  return { name, image, health, stopGraceMs: 2_000, ...more };
}

/** Creates a deployment and waits until all of it is healthy. */
export async function deployHealthy(cluster: Cluster, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const { status, body } = await cluster.api("POST", "/deployments", spec);
  if (status >= 300) throw new Error(`not created: ${JSON.stringify(body)}`);
  const name = String(spec["name"]);
  await cluster.untilHealthy(name, Number(spec["replicas"] ?? 1));
  await cluster.until(`the rollout of ${name} has ended`, async () => (await cluster.deployment(name)).rollout.outcome !== "in-progress");
  const { rollout } = await cluster.deployment(name);
  if (rollout.outcome !== "succeeded") throw new Error(`${name}: ${rollout.outcome}, ${rollout.reason ?? "without a reason"}`);
}
