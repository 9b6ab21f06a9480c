import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContainerView } from "../../../actors/views.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { onEngines, untilEnginesAgree, webSpec } from "./engines.ts";

const MEBIBYTE = 1_048_576;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a replica that keeps ending", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "crash-loop", nodes: 1 });
  }, 180_000);

  afterAll(() => cluster.stop());

  const only = async (deployment: string): Promise<ContainerView> => {
    const [container] = await cluster.containers(deployment);
    if (container === undefined) throw new Error(`${deployment} has no replica`);
    return container;
  };

  test("is tried again after longer and longer, and each time it is said when", async () => {
    const created = await cluster.api("POST", "/deployments", { name: "looping", image: cluster.image("crash") });
    expect(created.status).toBeLessThan(300);
    const delaysMs = new Map<number, number>();
    await cluster.until("it has been put off three times", async () => {
      const { phase, attempt, nextAttemptAtMs, lastExit } = await only("looping");
      if (phase === "backing-off" && nextAttemptAtMs !== undefined && lastExit !== undefined)
        delaysMs.set(attempt, nextAttemptAtMs - lastExit.atMs);
      return delaysMs.size >= 3;
    });
    const [first = 0, second = 0, third = 0] = delaysMs.values();
    expect(first).toBeGreaterThan(500);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  test("fails its first rollout, truthfully and in words", async () => {
    await cluster.until("the rollout has ended", async () => (await cluster.deployment("looping")).rollout.outcome !== "in-progress");
    const { status, reason, rollout } = await cluster.deployment("looping");
    expect({ status, outcome: rollout.outcome }).toEqual({ status: "failed", outcome: "failed" });
    expect(reason).toMatch(/looping\.1\.1 on n1 failed 3 times without staying healthy.*exit code 3/);
  });

  test("tells exit code, cause and last lines after its container is gone", async () => {
    let told: readonly (ContainerView | undefined)[] = [];
    await cluster.until("it waits and no container of it is left", async () => {
      const listed = JSON.parse(await cluster.run("containers", "--json")) as { items: ContainerView[] };
      const shown = JSON.parse(await cluster.run("containers", "get", "looping.1.1", "--json")) as ContainerView;
      told = [listed.items.find(({ id }) => id === "looping.1.1"), shown];
      return told.every((container) => container?.phase === "backing-off") && (await onEngines(cluster, "looping")).length === 0;
    });
    for (const container of told) {
      expect(container?.lastExit).toMatchObject({ exitCode: 3, cause: "exited" });
      expect(container?.lastExit?.lastLines.map(({ stream, text }) => `${stream}: ${text}`)).toEqual([
        "stdout: starting",
        "stderr: fatal: told to crash",
      ]);
      expect(container?.nextAttemptAtMs).toBeGreaterThan(container?.lastExit?.atMs ?? Infinity);
    }
  });

  test("is well again after an update, and what the failed one said can still be read", async () => {
    await cluster.run("update", "looping", "--image", cluster.image("bb1"), "--wait");
    await untilEnginesAgree(cluster, "looping", 1);
    const gone = JSON.parse(await cluster.run("containers", "get", "looping.1.1", "--json")) as ContainerView;
    expect(gone).toMatchObject({ phase: "stopped", lastExit: { exitCode: 3, cause: "exited" } });
    expect(gone.lastExit?.lastLines.map(({ text }) => text)).toContain("fatal: told to crash");
  });

  test("is said to have reached its memory limit when the kernel killed it for that", async () => {
    const hungry = ["sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"];
    const spec = { name: "hungry", image: cluster.image("bb1"), command: hungry, resources: { memoryLimitBytes: 16 * MEBIBYTE } };
    expect((await cluster.api("POST", "/deployments", spec)).status).toBeLessThan(300);
    await cluster.until("the cause is known", async () => (await only("hungry")).lastExit?.cause === "oom");
    expect((await only("hungry")).lastExit?.message).toMatch(/memory limit/);
  });

  test("is replaced when its health check fails for good, with what the check saw", async () => {
    const spec = webSpec("sickly", cluster.image("sick"));
    expect((await cluster.api("POST", "/deployments", spec)).status).toBeLessThan(300);
    await cluster.untilHealthy("sickly", 1);
    const { containerId = "" } = await only("sickly");
    await cluster.bed.node(1).docker(["exec", containerId, "touch", "/tmp/sick"]);
    await cluster.until("another container is healthy", async () => {
      const now = await only("sickly");
      return now.health === "healthy" && now.containerId !== containerId;
    });
    const { restarts, lastExit } = await only("sickly");
    expect({ restarts, cause: lastExit?.cause }).toEqual({ restarts: 1, cause: "unhealthy" });
    expect(lastExit?.healthOutput).toMatch(/500/);
  });
});
