import { afterAll, beforeAll, expect, test } from "vitest";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { failuresOf } from "../../support/load/load.ts";
import { nodeNumber, onEngines, untilEnginesAgree } from "./engines.ts";
import { answersAt, deployBehindPort, entrances, poolStates, statusOf, underLoad, untilAnswers } from "./traffic.ts";

const PORT = 8080;
const HTTP_PORT = 80;
/** Each replaces or moves several containers, one after the other, beside other suites. */
const JOURNEY_TIMEOUT_MS = 180_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a published port on three real engines", () => {
  let cluster: Cluster;
  let images: readonly [string, string];

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "ingress" });
    const [one, two] = [appImage("1"), appImage("2")];
    for (const app of [one, two]) await cluster.bed.registry.push(app);
    images = [cluster.bed.registry.reference(one), cluster.bed.registry.reference(two)];
    await deployBehindPort(cluster, "web", PORT, { replicas: 5, image: images[0] });
  });

  afterAll(() => cluster.stop());

  /** As the engines tell them. */
  async function containerIds(): Promise<readonly string[]> {
    return (await onEngines(cluster, "web")).map(({ containerId }) => containerId).sort();
  }

  /** What each node answers under a host name. Undefined: nothing listens. */
  function underHost(host: string): Promise<readonly (number | undefined)[]> {
    return Promise.all(entrances(cluster, HTTP_PORT).map((entrance) => statusOf(entrance, { host })));
  }

  test(
    "answers on every node, over all replicas, several on one node included",
    async () => {
      for (const entrance of entrances(cluster, PORT)) expect((await answersAt(entrance, 5)).size).toBe(5);
      expect((await poolStates(cluster, "web")).map((state) => state?.phase)).toEqual(Array.from({ length: 5 }, () => "in-pool"));
      expect(await cluster.run("ports")).toMatch(
        /8080\/tcp +http +web +5 +answers +port 8080 answers on n1, n2, n3 over HTTP \(by request\)/,
      );
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is refused to another deployment, with the holder's name",
    async () => {
      const { exitCode, stderr } = await cluster.cli("deploy", "other", "--image", images[0], "--publish", `${PORT}:8080`);
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 45,
        stderr: expect.stringContaining("published by deployment web") as string,
      });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "loses no request while all replicas are replaced, and none while they become fewer and more",
    async () => {
      const result = await underLoad(cluster, PORT, async () => {
        await cluster.run("update", "web", "--image", images[1], "--wait");
        await cluster.run("scale", "web", "2", "--wait");
        await cluster.run("scale", "web", "5", "--wait");
      });
      expect(failuresOf(result)).toBe("none");
      expect(result.requests).toBeGreaterThan(100);
      await untilAnswers(cluster, PORT, 5);
      for (const entrance of entrances(cluster, PORT)) for (const answer of await answersAt(entrance, 5)) expect(answer).toMatch(/ 2$/);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "gets a host name and loses it again, and no replica is replaced and no request lost",
    async () => {
      const before = await containerIds();
      const result = await underLoad(cluster, PORT, async () => {
        const written = await cluster.run("update", "web", "--route", "shop.example.com,tls=off", "--drain", "5s", "--wait");
        expect(written).toContain("drainMs, routes changed; no replica was replaced");
        // Every proxy has said so: there is nothing to wait for.
        expect(await underHost("shop.example.com")).toEqual([200, 200, 200]);
        expect(await containerIds()).toEqual(before);
        await cluster.run("rollback", "web", "--wait");
        expect(await underHost("shop.example.com")).not.toContain(200);
      });
      expect(failuresOf(result)).toBe("none");
      expect(await containerIds()).toEqual(before);
      expect(await cluster.run("history", "web")).toMatch(/rollback +succeeded .*no replica was replaced/);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "gets a host name together with another image, which replaces all replicas, and no request is lost",
    async () => {
      const before = await containerIds();
      const result = await underLoad(cluster, PORT, async () => {
        await cluster.run("update", "web", "--route", "shop.example.com,tls=off", "--image", images[0], "--wait");
        await cluster.until("every node answers under the name", async () =>
          (await underHost("shop.example.com")).every((status) => status === 200),
        );
      });
      expect(failuresOf(result)).toBe("none");
      await untilEnginesAgree(cluster, "web", 5);
      expect((await containerIds()).filter((id) => before.includes(id))).toEqual([]);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "does not mind that a second port is published and taken back",
    async () => {
      const result = await underLoad(cluster, PORT, async () => {
        await deployBehindPort(cluster, "shop", 8081, { replicas: 2, image: images[0] });
        await cluster.run("delete", "shop", "--wait");
      });
      expect(failuresOf(result)).toBe("none");
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "goes on without a replica that is killed, and without a node that is cut off",
    async () => {
      const [victim] = await cluster.containers("web");
      const node = cluster.bed.node(nodeNumber(victim ?? {}));
      const killed = await underLoad(cluster, PORT, async () => {
        await node.docker(["kill", victim?.containerId ?? ""]);
        await cluster.untilHealthy("web", 5);
        await untilAnswers(cluster, PORT, 5);
      });
      // Only what was inside of it when it died.
      expect(killed.failures.every(({ kind }) => kind === "502" || kind === "ECONNRESET" || kind === "socket hang up")).toBe(true);
      await cluster.bed.partition(3);
      await cluster.until("n3 is lost", async () =>
        (await cluster.nodes()).some(({ name, connection }) => name === "n3" && connection === "lost"),
      );
      await cluster.untilHealthy("web", 5);
      const [first = ""] = entrances(cluster, PORT);
      const result = await underLoad(cluster, PORT, () => cluster.run("restart", "web", "--wait").then(() => undefined), {
        targets: [first],
      });
      expect(failuresOf(result)).toBe("none");
      await cluster.bed.heal(3);
      await cluster.until("n3 is healthy again", async () => (await cluster.nodes()).every(({ status }) => status === "healthy"));
      await untilAnswers(cluster, PORT, 5);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is free again once its deployment is gone",
    async () => {
      await cluster.run("delete", "web", "--wait");
      await deployBehindPort(cluster, "heir", PORT, { replicas: 1, image: images[0] });
    },
    JOURNEY_TIMEOUT_MS,
  );
});
