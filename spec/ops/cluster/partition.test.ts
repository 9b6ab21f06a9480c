import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { LOST_AND_REPLACED_MS, onEngines, untilCalm, untilEnginesAgree, untilNodeHealthy, untilReplacedElsewhere } from "./engines.ts";

const JOURNEY_TIMEOUT_MS = 180_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a deployment that waits out partitions", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "partition", nodes: 3 });
    const flags = ["--replicas", "3", "--min-healthy", "200ms", "--stop-grace", "2s", "--max-replicas-per-node", "2"];
    await cluster.run("deploy", "web", "--image", cluster.image("bb1"), ...flags, "--partition", "wait", "--wait");
  }, 180_000);

  afterAll(() => cluster.stop());

  function untilMissed(): Promise<void> {
    return cluster.until(
      "the replica of n2 is missed",
      async () => (await cluster.deployment("web")).awaited?.some(({ node }) => node === "n2") === true,
      LOST_AND_REPLACED_MS,
    );
  }

  test(
    "has no replica started in the stead of one behind a partition, whatever is changed meanwhile, and goes on with it afterwards",
    async () => {
      const [kept] = (await onEngines(cluster, "web")).filter(({ node }) => node === "n2");
      const slot = (await cluster.containers("web")).find(({ node }) => node === "n2")?.slot;
      await cluster.bed.partition(2);
      await untilMissed();
      expect(await cluster.deployment("web")).toMatchObject({
        status: "degraded",
        healthyReplicas: 2,
        reason: expect.stringMatching(
          /^2 of 3 healthy; 1 of 3 on n2, lost for \d+s: not replaced, because partition is wait\. If n2 is gone for good: odysseus remove n2$/,
        ),
      });
      expect(await cluster.run("containers", "--deployment", "web")).toMatch(/n2 has not been heard of for/);
      const other = { image: cluster.image("bb2"), replicas: 3, partition: "wait" };
      expect((await cluster.api("POST", "/deployments/web/plan", other)).body).toMatchObject({
        findings: expect.arrayContaining([
          expect.stringMatching(/^one replica may still run on n2, which is lost: not changed before n2 is back/),
        ]),
      });
      expect(await cluster.run("scale", "web", "4", "--wait")).toMatch(/n2 is lost, and web\.\d\.\d may still run there/);
      expect((await cluster.containers("web")).filter((replica) => replica.slot === slot)).toMatchObject([
        { node: "n2", health: "unknown" },
      ]);
      expect((await onEngines(cluster, "web")).filter(({ node }) => node === "n2")).toEqual([kept]);
      await cluster.bed.heal(2);
      await untilNodeHealthy(cluster, "n2");
      const calm = await untilCalm(cluster, "web", 4);
      expect(calm.find(({ node }) => node === "n2")).toMatchObject({ slot, containerId: kept?.containerId, attempt: 1, restarts: 0 });
      expect(await cluster.deployment("web")).toMatchObject({ status: "running", reason: "4 of 4 healthy" });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "has it started elsewhere once a person has removed the node, which stops its own when it is back after all",
    async () => {
      const missed = (await onEngines(cluster, "web")).filter(({ node }) => node === "n2");
      await cluster.bed.partition(2);
      await untilMissed();
      await cluster.run("remove", "n2");
      await untilReplacedElsewhere(cluster, "web", 4, "n2");
      expect((await onEngines(cluster, "web")).filter(({ node }) => node === "n2")).toEqual(missed);
      await cluster.bed.heal(2);
      await untilNodeHealthy(cluster, "n2");
      await untilEnginesAgree(cluster, "web", 4);
      expect((await onEngines(cluster, "web")).filter(({ node }) => node === "n2")).toEqual([]);
    },
    JOURNEY_TIMEOUT_MS,
  );
});
