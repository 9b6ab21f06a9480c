import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ContainerView } from "../../../actors/views.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import {
  deployHealthy,
  LOST_AND_REPLACED_MS,
  nodeNumber,
  onEngines,
  untilCalm,
  untilEnginesAgree,
  untilNodeHealthy,
  untilReplacedElsewhere,
  webSpec,
} from "./engines.ts";

const REPLICAS = 6;
const TEST_TIMEOUT_MS = 150_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("outages of several parts at once, and in the middle of a rollout", () => {
  let cluster: Cluster;
  let before: readonly ContainerView[];

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "outages" });
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: REPLICAS, rollout: { minHealthyMs: 500, maxSurge: 2 } }));
  }, 180_000);

  beforeEach(async () => {
    before = await untilCalm(cluster, "web", REPLICAS);
  }, 90_000);

  afterAll(() => cluster.stop());

  const identities = (containers: readonly ContainerView[]): ReadonlySet<string> =>
    new Set(containers.map(({ id, containerId, restarts }) => `${id} ${containerId} ${restarts}`));

  const update = async (value: string): Promise<number> => {
    const { status, body } = await cluster.api("PATCH", "/deployments/web", { environment: { VALUE: value } });
    expect({ status, body }).toMatchObject({ status: 200 });
    return (body as { rollout: number }).rollout;
  };

  const untilUpdated = (replicas: number): Promise<void> =>
    cluster.until(`${replicas} replicas are updated`, async () => (await cluster.deployment("web")).updatedReplicas >= replicas);

  const succeeded = async (rollout: number): Promise<void> => {
    const hasEnded = async (): Promise<boolean> => (await cluster.deployment("web")).rollout.outcome !== "in-progress";
    await cluster.until("the rollout has ended", hasEnded, LOST_AND_REPLACED_MS);
    expect((await cluster.deployment("web")).rollout).toMatchObject({ id: rollout, outcome: "succeeded" });
    await untilEnginesAgree(cluster, "web", REPLICAS);
  };

  test("a broker killed with -9 costs nothing but time", async () => {
    await cluster.killNats();
    await cluster.until("all nodes speak again", async () => {
      const sinceMs = Date.now() - 4_000;
      return (await cluster.nodes()).every(({ status, lastHeardAtMs = 0 }) => status === "healthy" && lastHeardAtMs > sinceMs);
    });
    expect(identities(await cluster.containers("web"))).toEqual(identities(before));
    await succeeded(await update("after the broker's death"));
  });

  test("a broker killed with -9 in the middle of a rollout does not keep it from its end", async () => {
    const rollout = await update("broker");
    await untilUpdated(1);
    await cluster.killNats();
    await succeeded(rollout);
  });

  test("control plane and agents killed together: what died meanwhile is replaced once, the rest is left alone", async () => {
    const [victim] = before;
    await Promise.all([cluster.killControlPlane(), ...cluster.bed.nodes.map(({ number }) => cluster.killAgent(number))]);
    await cluster.bed.killProcess(nodeNumber(victim ?? {}), victim?.containerId ?? "");
    await Promise.all([cluster.startControlPlane(), ...cluster.bed.nodes.map(({ number }) => cluster.startAgent(number))]);
    await cluster.until("it is replaced", async () =>
      (await cluster.containers("web")).some(
        ({ id, restarts, health }) => id === victim?.id && restarts === victim.restarts + 1 && health === "healthy",
      ),
    );
    await untilEnginesAgree(cluster, "web", REPLICAS);
    const others = (list: readonly ContainerView[]): ReadonlySet<string> => identities(list.filter(({ id }) => id !== victim?.id));
    expect(others(await cluster.containers("web"))).toEqual(others(before));
  });

  test("a container restarted by hand is replaced, counted once", async () => {
    const victim = before.at(-1);
    await cluster.bed.node(nodeNumber(victim ?? {})).docker(["restart", victim?.containerId ?? ""]);
    await cluster.until("it is healthy again", async () =>
      (await cluster.containers("web")).some(
        ({ id, restarts, health }) => id === victim?.id && restarts > victim.restarts && health === "healthy",
      ),
    );
    await untilEnginesAgree(cluster, "web", REPLICAS);
    expect((await cluster.containers("web")).find(({ id }) => id === victim?.id)?.restarts).toBe((victim?.restarts ?? 0) + 1);
  });

  test("an agent killed in the middle of a rollout goes on with it when it is back", async () => {
    const rollout = await update("agent");
    await untilUpdated(1);
    await cluster.killAgent(2);
    await cluster.startAgent(2);
    await succeeded(rollout);
  });

  test(
    "an update while a node is cut off ends on the others, and nothing old is left there after the cut",
    async () => {
      await cluster.bed.partition(3);
      const rollout = await update("cut");
      const hasEnded = async (): Promise<boolean> => (await cluster.deployment("web")).rollout.outcome !== "in-progress";
      await cluster.until("the rollout has ended", hasEnded, LOST_AND_REPLACED_MS);
      expect((await cluster.deployment("web")).rollout).toMatchObject({ id: rollout, outcome: "succeeded" });
      expect((await cluster.containers("web")).filter(({ node, phase }) => node === "n3" && phase === "running")).toEqual([]);
      await cluster.bed.heal(3);
      await untilNodeHealthy(cluster, "n3");
      await untilEnginesAgree(cluster, "web", REPLICAS);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a node that lost power while the control plane was away is noticed after its start",
    async () => {
      await cluster.killControlPlane();
      await cluster.killAgent(1);
      await cluster.bed.powerOff(1);
      await cluster.startControlPlane();
      await untilReplacedElsewhere(cluster, "web", REPLICAS, "n1");
      await cluster.bed.powerOn(1);
      await cluster.startAgent(1);
      await untilNodeHealthy(cluster, "n1");
      await untilEnginesAgree(cluster, "web", REPLICAS);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "power lost everywhere, the control plane too: all of it is back when the power is",
    async () => {
      await cluster.killControlPlane();
      for (const { number } of cluster.bed.nodes) {
        await cluster.killAgent(number);
        await cluster.bed.powerOff(number);
      }
      await Promise.all(cluster.bed.nodes.map(({ number }) => cluster.bed.powerOn(number)));
      await Promise.all([cluster.startControlPlane(), ...cluster.bed.nodes.map(({ number }) => cluster.startAgent(number))]);
      await cluster.untilHealthy("web", REPLICAS);
      await untilEnginesAgree(cluster, "web", REPLICAS);
      expect((await onEngines(cluster, "web")).map(({ placementId }) => placementId).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
        before.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1)),
      );
    },
    TEST_TIMEOUT_MS,
  );
});
