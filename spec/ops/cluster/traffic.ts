import { request } from "node:http";
import type { PoolState } from "../../../actors/ingress/views.ts";
import type { Cluster } from "../../support/cluster.ts";
import { lanesOf, Load } from "../../support/load/load.ts";
import type { LoadPlanInput, LoadResult } from "../../support/load/plan.ts";
import { deployHealthy, webSpec } from "./engines.ts";

const ASK_TIMEOUT_MS = 5_000;
/** In a pool of a few replicas each is met within so many requests. */
const REQUESTS_UNTIL_ALL_ARE_MET = 60;
const LIGHT_LANES = 8;
const LIGHT_PAUSE_MS = 20;

/** Where a published port answers: on every node that is powered on. */
export function entrances({ bed }: Cluster, port: number): readonly string[] {
  return bed.nodes.filter(({ isPoweredOn }) => isPoweredOn).map(({ address }) => `http://${address}:${port}`);
}

/** Creates a deployment of the test app behind a balanced port and waits until the port answers on every node. */
export async function deployBehindPort(
  cluster: Cluster,
  name: string,
  port: number,
  { replicas, image, more = {} }: { replicas: number; image: string; more?: Readonly<Record<string, unknown>> },
): Promise<void> {
  const ports = [{ containerPort: 8080, publishedPort: port }];
  const rollout = { minHealthyMs: 500, wholeDeadlineMs: 300_000 };
  await deployHealthy(cluster, webSpec(name, image, { replicas, ports, rollout, ...more }));
  await untilAnswers(cluster, port, replicas);
}

/** Until every node leads to so many replicas. */
export async function untilAnswers(cluster: Cluster, port: number, replicas: number): Promise<void> {
  for (const entrance of entrances(cluster, port))
    await cluster.until(`${entrance} leads to ${replicas} replicas`, async () => (await answersAt(entrance, replicas)).size >= replicas);
}

/** `HOST VERSION` of whoever answers, asked until so many are met or that is unlikely. */
export async function answersAt(entrance: string, replicas: number): Promise<ReadonlySet<string>> {
  const met = new Set<string>();
  for (let count = 0; count < REQUESTS_UNTIL_ALL_ARE_MET && met.size < replicas; count += 1) {
    const response = await fetch(`${entrance}/`, {
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      headers: { connection: "close" },
    });
    if (!response.ok) throw new Error(`${entrance}: ${response.status}`);
    met.add((await response.text()).trim());
  }
  return met;
}

/** Sends requests through every node, with kept and with new connections, GET and POST, for as long as something is done. */
export async function underLoad(
  cluster: Cluster,
  port: number,
  act: () => Promise<void>,
  plan: Partial<LoadPlanInput> = {},
): Promise<LoadResult> {
  const asks = [
    { method: "GET", path: "/" },
    { method: "POST", path: "/echo", bodyBytes: 1_000 },
  ] as const;
  const load = await Load.start({
    targets: [...entrances(cluster, port)],
    lanes: lanesOf(LIGHT_LANES, [...asks]),
    pauseMs: LIGHT_PAUSE_MS,
    ...plan,
  });
  const acted = await act().then(
    () => undefined,
    (cause: unknown) => ({ cause }),
  );
  const result = await load.stop();
  if (acted !== undefined) throw acted.cause;
  return result;
}

/** How each live replica of a deployment stands to the pools. */
export async function poolStates(cluster: Cluster, deployment: string): Promise<readonly (PoolState | undefined)[]> {
  return (await cluster.containers(deployment)).map(({ pool }) => pool);
}

/** Over a connection of its own. `fetch` sends no `host` of ours. Undefined: no answer. */
export function statusOf(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, headers, timeout: ASK_TIMEOUT_MS }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(undefined));
    call.end();
  });
}
