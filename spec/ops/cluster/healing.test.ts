import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ContainerView } from "../../../actors/views.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import {
  deployHealthy,
  nodeNumber,
  onEngines,
  untilCalm,
  untilEnginesAgree,
  untilNodeHealthy,
  untilReplacedElsewhere,
  webSpec,
} from "./engines.ts";

const REPLICAS = 6;
const FOREIGN = "not-ours";

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("replicas that somebody or something disturbs", () => {
  let cluster: Cluster;
  let before: readonly ContainerView[];

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "healing" });
    for (const { number } of cluster.bed.nodes)
      await cluster.bed.node(number).docker(["run", "-d", "--name", FOREIGN, cluster.image("bb1")]);
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: REPLICAS }));
  }, 180_000);

  beforeEach(async () => {
    before = await untilCalm(cluster, "web", REPLICAS);
  }, 90_000);

  afterAll(() => cluster.stop());

  /** The replica of a slot, so that each disturbance meets one that has not been disturbed lately. */
  const replicaOf = (slot: number): ContainerView => {
    const found = before.find((container) => container.slot === slot);
    if (found?.containerId === undefined) throw new Error(`slot ${slot} has no running container`);
    return found;
  };

  const healed = async (disturbed: ContainerView, cause: string): Promise<ContainerView> => {
    const isHealed = (container: ContainerView): boolean =>
      container.id === disturbed.id && container.restarts > disturbed.restarts && container.health === "healthy";
    await cluster.until(`${disturbed.id} is healthy again`, async () => (await cluster.containers("web")).some(isHealed));
    await untilEnginesAgree(cluster, "web", REPLICAS);
    const after = await cluster.containers("web");
    for (const other of before.filter(({ id }) => id !== disturbed.id))
      expect(after.find(({ id }) => id === other.id)).toMatchObject({ containerId: other.containerId, restarts: other.restarts });
    const now = after.find(({ id }) => id === disturbed.id);
    expect(now).toMatchObject({ restarts: disturbed.restarts + 1, lastExit: { cause } });
    if (now === undefined) throw new Error(`${disturbed.id} is gone`);
    return now;
  };

  const docker = (container: ContainerView, ...args: readonly string[]): Promise<string> =>
    cluster.bed.node(nodeNumber(container)).docker(args);

  test("a process killed with -9 is replaced, counted once, and the reason is known", async () => {
    const victim = replicaOf(1);
    await cluster.bed.killProcess(nodeNumber(victim), victim.containerId ?? "");
    const now = await healed(victim, "killed");
    expect(now.lastExit).toMatchObject({ exitCode: 137 });
    expect(now.containerId).not.toBe(victim.containerId);
  });

  test("a container removed by hand comes back", async () => {
    const victim = replicaOf(2);
    await docker(victim, "rm", "-f", victim.containerId ?? "");
    await healed(victim, "removed");
  });

  test("a container stopped by hand is started anew", async () => {
    const victim = replicaOf(3);
    await docker(victim, "stop", victim.containerId ?? "");
    await healed(victim, "stopped");
  });

  test("a paused container goes on, the same one", async () => {
    const victim = replicaOf(4);
    await docker(victim, "pause", victim.containerId ?? "");
    expect((await healed(victim, "paused")).containerId).toBe(victim.containerId);
  });

  test("a container whose limits were edited by hand is replaced by one as desired", async () => {
    const victim = replicaOf(5);
    await docker(victim, "update", "--memory", "64m", "--memory-swap", "64m", victim.containerId ?? "");
    const now = await healed(victim, "changed");
    expect(await docker(now, "inspect", "--format", "{{.HostConfig.Memory}}", now.containerId ?? "")).toBe("0\n");
  });

  test("a renamed container stays what it is: its labels tell whose it is", async () => {
    const victim = replicaOf(6);
    await docker(victim, "rename", victim.containerId ?? "", "somebody-elses-name");
    await docker(victim, "rm", "-f", "somebody-elses-name");
    await healed(victim, "removed");
  });

  test("an agent killed with -9 adopts its containers: nothing is restarted", async () => {
    await cluster.killAgent(1);
    await cluster.startAgent(1);
    const startedAtMs = Date.now();
    await cluster.until("the new agent has spoken", async () =>
      (await cluster.nodes()).some(({ name, lastHeardAtMs = 0 }) => name === "n1" && lastHeardAtMs > startedAtMs),
    );
    await untilEnginesAgree(cluster, "web", REPLICAS);
    expect(identities(await cluster.containers("web"))).toEqual(identities(before));
  });

  test("a replica that dies while its agent is away is replaced when the agent is back, once", async () => {
    const victim = replicaOf(1);
    await cluster.killAgent(nodeNumber(victim));
    await cluster.bed.killProcess(nodeNumber(victim), victim.containerId ?? "");
    await cluster.startAgent(nodeNumber(victim));
    await healed(victim, "killed");
  });

  test("a control plane killed with -9 finds everything as it was", async () => {
    await cluster.killControlPlane();
    await cluster.startControlPlane();
    await cluster.untilHealthy("web", REPLICAS);
    await untilEnginesAgree(cluster, "web", REPLICAS);
    expect(identities(await cluster.containers("web"))).toEqual(identities(before));
  });

  test("agents heal while the control plane is away, and it hears of it afterwards", async () => {
    const victim = replicaOf(2);
    await cluster.killControlPlane();
    await cluster.bed.killProcess(nodeNumber(victim), victim.containerId ?? "");
    await cluster.until("the engine runs a new container", async () =>
      (await onEngines(cluster, "web")).some(
        ({ placementId, state, containerId }) => placementId === victim.id && state === "running" && containerId !== victim.containerId,
      ),
    );
    await cluster.startControlPlane();
    await healed(victim, "killed");
  });

  test("an engine that restarts takes its containers along; each is back, counted once, and says why", async () => {
    await cluster.bed.restartEngine(3);
    const lost = before.filter(({ node }) => node === "n3");
    await cluster.until("its replicas have been started again", async () => {
      const now = await cluster.containers("web");
      return lost.every(({ id, restarts }) =>
        now.some((container) => container.id === id && container.restarts > restarts && container.health === "healthy"),
      );
    });
    await untilEnginesAgree(cluster, "web", REPLICAS);
    const after = await cluster.containers("web");
    for (const { id, restarts } of lost)
      expect(after.find((container) => container.id === id)).toMatchObject({ restarts: restarts + 1, lastExit: { cause: "lost" } });
    expect(identities(after.filter(({ node }) => node !== "n3"))).toEqual(identities(before.filter(({ node }) => node !== "n3")));
  });

  test("an engine killed with -9 likewise", async () => {
    await cluster.bed.killEngine(3);
    await cluster.until("the control plane knows that the engine is away", async () =>
      (await cluster.nodes()).some(({ name, engine }) => name === "n3" && engine === "unreachable"),
    );
    await cluster.bed.startEngine(3);
    await cluster.untilHealthy("web", REPLICAS);
    await untilEnginesAgree(cluster, "web", REPLICAS);
    for (const old of before) {
      const now = (await cluster.containers("web")).find(({ id }) => id === old.id);
      expect(now?.restarts).toBe(old.restarts + (old.node === "n3" ? 1 : 0));
    }
  });

  test("replicas of a node without power are placed elsewhere, and when it is back nothing is there twice", async () => {
    const lost = before.filter(({ node }) => node === "n2").map(({ id }) => id);
    await cluster.killAgent(2);
    await cluster.bed.powerOff(2);
    await untilReplacedElsewhere(cluster, "web", REPLICAS, "n2");
    expect((await cluster.nodes()).find(({ name }) => name === "n2")).toMatchObject({ status: "unreachable" });
    await cluster.bed.powerOn(2);
    await cluster.startAgent(2);
    await untilNodeHealthy(cluster, "n2");
    await untilEnginesAgree(cluster, "web", REPLICAS);
    expect((await onEngines(cluster, "web")).filter(({ placementId }) => lost.includes(placementId))).toEqual([]);
  }, 150_000);

  test("behind a cut network a node's replicas run on; they are replaced elsewhere, and stopped once the cut has healed", async () => {
    const cutOff = before.filter(({ node }) => node === "n1").map(({ id }) => id);
    expect(cutOff.length).toBeGreaterThan(0);
    await cluster.bed.partition(1);
    await untilReplacedElsewhere(cluster, "web", REPLICAS, "n1");
    const still = (await onEngines(cluster, "web")).filter(({ node, state }) => node === "n1" && state === "running");
    expect(new Set(still.map(({ placementId }) => placementId))).toEqual(new Set(cutOff));
    await cluster.bed.heal(1);
    await untilNodeHealthy(cluster, "n1");
    await untilEnginesAgree(cluster, "web", REPLICAS);
  }, 150_000);

  test("containers that are not ours were never touched", async () => {
    for (const node of cluster.bed.nodes) {
      const [restarts, name] = (await node.docker(["inspect", "--format", "{{.RestartCount}} {{.Name}}", FOREIGN])).trim().split(" ");
      expect({ restarts, name }).toEqual({ restarts: "0", name: `/${FOREIGN}` });
    }
    expect(await cluster.bed.node(1).docker(["inspect", "--format", "{{.State.Status}}", FOREIGN])).toBe("running\n");
  });
});

function identities(containers: readonly ContainerView[]): readonly unknown[] {
  return containers
    .map(({ id, containerId, restarts, startedAtMs }) => ({ id, containerId, restarts, startedAtMs }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
