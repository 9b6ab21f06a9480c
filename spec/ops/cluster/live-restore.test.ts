import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { startCli } from "../../support/run-cli.ts";
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

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "by %s: a log that is followed goes on, with every line once",
    async (signal) => {
      const name = `counter-${signal.toLowerCase()}`;
      const count = "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done";
      await deployHealthy(cluster, { name, image: cluster.image("bb1"), command: ["until-term", "sh", "-c", count], stopGraceMs: 1_000 });
      const { url, token } = JSON.parse(readFileSync(join(cluster.home, "profile.json"), "utf8")) as { url: string; token: string };
      const cli = startCli(["logs", name, "-f"], { ODYSSEUS_URL: url, ODYSSEUS_TOKEN: token });
      const numbers = (text: string): readonly number[] => [...text.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number));
      let seen = 0;
      await cli.until(({ stdout }) => (seen = numbers(stdout).at(-1) ?? 0) > 10);
      await cluster.bed.killEngine(1, signal);
      await untilEngineIs("unreachable");
      await cluster.bed.startEngine(1);
      await cli.until(({ stdout }) => (numbers(stdout).at(-1) ?? 0) > seen + 100);
      cli.process.kill("SIGINT");
      const { stdout } = await cli.ended;
      const all = numbers(stdout);
      expect(all).toEqual(Array.from({ length: all.length }, (_, index) => index + 1));
      await cluster.run("delete", name, "--wait");
    },
    90_000,
  );

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
