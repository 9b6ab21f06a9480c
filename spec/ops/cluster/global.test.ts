import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { LOST_AND_REPLACED_MS, onEngines, untilCalm, untilNodeHealthy } from "./engines.ts";

/** Each of these waits for several containers, one after the other, beside other suites. */
const JOURNEY_TIMEOUT_MS = 150_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a deployment on every node, on three real engines", () => {
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "odysseus-global-"));
    cluster = await Cluster.start({ name: "global" });
  }, 180_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  });

  /** Node by node: the revision that an engine really runs, once all is calm. */
  const revisions = async (nodes: number): Promise<Readonly<Record<string, number>>> => {
    const containers = await untilCalm(cluster, "probe", nodes);
    return Object.fromEntries(containers.map(({ node = "", revision }) => [node, revision]));
  };

  test(
    "runs on each node that takes replicas, and follows one that opens later",
    async () => {
      await cluster.run("cordon", "n3");
      const flags = [
        "--image",
        cluster.image("bb1"),
        "--publish",
        "8080:8080,mode=host",
        "--health",
        "http:/healthz",
        "--min-healthy",
        "500ms",
      ];
      const said = await cluster.run("deploy", "probe", ...flags, "--mode", "global", "--wait");
      expect(said).toMatch(/one replica on every node that fits/);
      expect(await revisions(2)).toEqual({ n1: 1, n2: 1 });
      await cluster.run("uncordon", "n3");
      expect(await revisions(3)).toEqual({ n1: 1, n2: 1, n3: 1 });
      for (const { address } of cluster.bed.nodes) expect((await fetch(`http://${address}:8080/cgi-bin/id`)).status).toBe(200);
      const { exitCode, stderr } = await cluster.cli("scale", "probe", "5");
      expect([exitCode, stderr]).toEqual([45, expect.stringMatching(/is global: it has one replica on every node that fits/)]);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is updated and rolled back node by node",
    async () => {
      await cluster.run("update", "probe", "--image", cluster.image("bb2"), "--wait");
      expect(await revisions(3)).toEqual({ n1: 2, n2: 2, n3: 2 });
      await cluster.run("rollback", "probe", "--wait");
      expect(await revisions(3)).toEqual({ n1: 1, n2: 1, n3: 1 });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "leaves a node that is drained, and comes back with it",
    async () => {
      await cluster.run("drain", "n2");
      expect(await revisions(2)).toEqual({ n1: 1, n3: 1 });
      await cluster.until("n2 is drained", async () =>
        (await cluster.nodes()).some(({ name, availability }) => name === "n2" && availability === "drained"),
      );
      expect(await cluster.deployment("probe")).toMatchObject({ status: "running", reason: "2 of 2 nodes healthy" });
      await cluster.run("uncordon", "n2");
      expect(await revisions(3)).toEqual({ n1: 1, n2: 1, n3: 1 });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "misses a node that loses its power, is updated without it, and brings it up to date when it is back",
    async () => {
      await cluster.bed.powerOff(3);
      await cluster.until(
        "the deployment says what it misses",
        async () => (await cluster.deployment("probe")).reason.startsWith("2 of 3 nodes healthy; n3 is unreachable"),
        LOST_AND_REPLACED_MS,
      );
      expect(new Set((await cluster.containers("probe")).map(({ node }) => node))).toEqual(new Set(["n1", "n2"]));
      const said = await cluster.run("update", "probe", "--image", cluster.image("bb2"), "--wait");
      expect(said).toMatch(/n3 is unreachable/);
      await cluster.bed.powerOn(3);
      await cluster.startAgent(3);
      await untilNodeHealthy(cluster, "n3");
      const newest = (await cluster.deployment("probe")).revision;
      expect(await revisions(3)).toEqual({ n1: newest, n2: newest, n3: newest });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "counts a removed node no more, and leaves nothing of itself when it is deleted",
    async () => {
      await cluster.bed.partition(3);
      await cluster.until("n3 can be removed", async () => (await cluster.cli("remove", "n3")).exitCode === 0, LOST_AND_REPLACED_MS);
      await cluster.until("the others are all there is", async () => (await cluster.deployment("probe")).reason === "2 of 2 nodes healthy");
      await cluster.bed.heal(3);
      const newest = (await cluster.deployment("probe")).revision;
      expect(await revisions(3)).toEqual({ n1: newest, n2: newest, n3: newest });
      await cluster.run("delete", "probe", "--wait");
      await cluster.until("the engines hold nothing of it", async () => (await onEngines(cluster, "probe")).length === 0);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is a member of a stack: planned node by node, waited for, with a volume and a job on each",
    async () => {
      const file = join(folder, "compose.yaml");
      const quick = "x-odysseus: {rollout: {minHealthyMs: 100}}";
      writeFileSync(
        file,
        `
name: fleet
services:
  prepare: {image: "${cluster.image("bb1")}", command: ["sh", "-c", "echo ready > /out/it"], volumes: ["out:/out"], network_mode: none, deploy: {mode: global-job}}
  collect:
    image: ${cluster.image("bb1")}
    network_mode: bridge
    volumes: ["out:/in:ro"]
    healthcheck: {test: ["CMD", "test", "-f", "/in/it"], interval: 300ms}
    depends_on: {prepare: {condition: service_completed_successfully}}
    deploy: {mode: global}
    ${quick}
  web:
    image: ${cluster.image("bb1")}
    network_mode: bridge
    depends_on: {collect: {condition: service_healthy}}
    ${quick}
volumes: {out: {}}
`,
      );
      await cluster.run("cordon", "n2");
      const { stdout } = await cluster.cli("plan", file);
      expect(stdout).toMatch(/replicas would go to n1, n3\n.*other nodes would get none: n2 is cordoned/);
      await cluster.run("uncordon", "n2");
      await cluster.run("apply", file, "--wait");
      const collecting = await cluster.containers("fleet-collect");
      expect(new Map(collecting.map(({ node, health }) => [node, health]))).toEqual(
        new Map(["n1", "n2", "n3"].map((node) => [node, "healthy"])),
      );
      expect(await cluster.deployment("fleet-prepare")).toMatchObject({ status: "completed", reason: "3 of 3 nodes completed" });
      expect(await cluster.run("volumes")).toMatch(/fleet_out\s+n1, n2, n3/);
      writeFileSync(join(folder, "again.yaml"), await cluster.run("export", "fleet"));
      expect((await cluster.cli("plan", join(folder, "again.yaml"))).exitCode).toBe(0);
      await cluster.run("stack", "delete", "fleet", "--wait");
      const { body } = await cluster.api("DELETE", "/volumes/fleet_out");
      expect(body).toMatchObject({ nodes: ["n1", "n2", "n3"].map((node) => ({ node, data: "removed" })) });
    },
    JOURNEY_TIMEOUT_MS,
  );
});
