import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { deployHealthy, untilEnginesAgree, webSpec } from "./engines.ts";

const REPLICAS = 2;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("an engine that keeps its containers while it restarts", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "live-restore", nodes: 1, onEngineStop: "keep-containers" });
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: REPLICAS }));
  }, 180_000);

  afterAll(() => cluster.stop());

  const untilEngineIs = (engine: "reachable" | "unreachable"): Promise<void> =>
    cluster.until(`the engine is known to be ${engine}`, async () => (await cluster.nodes()).every((node) => node.engine === engine));

  test.each(["SIGTERM", "SIGKILL"] as const)("by %s: the same containers go on, and none counts as restarted", async (signal) => {
    const before = await cluster.containers("web");
    await cluster.bed.killEngine(1, signal);
    await untilEngineIs("unreachable");
    await cluster.bed.startEngine(1);
    await untilEngineIs("reachable");
    await untilEnginesAgree(cluster, "web", REPLICAS);
    const after = await cluster.containers("web");
    expect(after.map(({ id, containerId, restarts, health }) => ({ id, containerId, restarts, health }))).toEqual(
      before.map(({ id, containerId, restarts }) => ({ id, containerId, restarts, health: "healthy" })),
    );
  });

  test("a process that dies while its engine is away is replaced when the engine is back, once", async () => {
    const [victim] = await cluster.containers("web");
    const pid = await cluster.bed.containerPid(1, victim?.containerId ?? "");
    await cluster.bed.killEngine(1, "SIGKILL");
    await untilEngineIs("unreachable");
    process.kill(pid, "SIGKILL");
    await cluster.bed.startEngine(1);
    await untilEngineIs("reachable");
    await cluster.until("it is healthy again", async () =>
      (await cluster.containers("web")).some(({ id, restarts, health }) => id === victim?.id && restarts === 1 && health === "healthy"),
    );
    await untilEnginesAgree(cluster, "web", REPLICAS);
  });
});
