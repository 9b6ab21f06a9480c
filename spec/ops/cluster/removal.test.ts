import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { deployHealthy, onEngines, untilEnginesAgree, untilNodeHealthy, untilReplacedElsewhere, webSpec } from "./engines.ts";

const REPLICAS = 4;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a node that is taken out of the cluster", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "removal", nodes: 2 });
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: REPLICAS, rollout: { minHealthyMs: 200 } }));
  }, 180_000);

  afterAll(() => cluster.stop());

  test("is not removed while it answers", async () => {
    const { exitCode, stderr } = await cluster.cli("remove", "n2");
    expect(exitCode).toBe(45);
    expect(stderr).toMatch(/"n2" still answers and holds 2 replicas: drain it first/);
  });

  test("is forgotten once it is gone; when it is back, it is a new and empty node, and what it still ran is stopped", async () => {
    const before = (await onEngines(cluster, "web")).filter(({ node }) => node === "n2").map(({ containerId }) => containerId);
    await cluster.bed.partition(2);
    await untilReplacedElsewhere(cluster, "web", REPLICAS, "n2");
    await cluster.run("remove", "n2");
    expect((await cluster.nodes()).map(({ name }) => name)).toEqual(["n1"]);
    const still = (await onEngines(cluster, "web")).filter(({ containerId }) => before.includes(containerId));
    expect(still.map(({ state }) => state)).toEqual(before.map(() => "running"));
    await cluster.bed.heal(2);
    await untilNodeHealthy(cluster, "n2");
    await untilEnginesAgree(cluster, "web", REPLICAS);
    expect((await onEngines(cluster, "web")).map(({ node }) => node)).toEqual(Array.from({ length: REPLICAS }, () => "n1"));
    await cluster.run("scale", "web", String(REPLICAS + 2), "--wait");
    expect(new Set((await cluster.containers("web")).map(({ node }) => node))).toEqual(new Set(["n1", "n2"]));
  }, 150_000);
});
