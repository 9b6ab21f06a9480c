import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { untilCalm } from "./engines.ts";

/** Each of these waits for several containers, one after the other, beside other suites. */
const JOURNEY_TIMEOUT_MS = 120_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a deployment on three real engines", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "rollout" });
  }, 180_000);

  afterAll(() => cluster.stop());

  test(
    "is deployed by one command, spread over the nodes, and serves",
    async () => {
      await cluster.run(
        "deploy",
        "web",
        "--image",
        cluster.image("bb1"),
        "--replicas",
        "3",
        "--publish",
        "8080:8080,mode=host",
        "--env",
        "GREETING=hi",
        "--health",
        "http:/healthz",
        "--min-healthy",
        "1s",
        "--wait",
      );
      const containers = await cluster.containers("web");
      expect(new Set(containers.map(({ node }) => node)).size).toBe(3);
      for (const node of cluster.bed.nodes) expect((await fetch(`http://${node.address}:8080/cgi-bin/id`)).status).toBe(200);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "says the truth about a fourth replica for which no node has the port",
    async () => {
      await cluster.cli("scale", "web", "4");
      await cluster.until("the fourth is pending", async () => (await cluster.containers("web")).some(({ phase }) => phase === "pending"));
      const pending = (await cluster.containers("web")).find(({ phase }) => phase === "pending");
      expect(pending?.rejections).toMatchObject([{ filter: "host-ports", nodes: ["n1", "n2", "n3"] }]);
      await cluster.run("scale", "web", "3", "--wait");
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is updated and rolled back, and the history says who and what",
    async () => {
      await cluster.run("update", "web", "--image", cluster.image("bb2"), "--wait");
      expect(await (await fetch(`http://${cluster.bed.node(1).address}:8080/cgi-bin/id`)).text()).toMatch(/ 2\n$/);
      await cluster.run("rollback", "web", "--to", "1", "--wait");
      expect(await (await fetch(`http://${cluster.bed.node(1).address}:8080/cgi-bin/id`)).text()).toMatch(/ 1\n$/);
      expect(await cluster.run("history", "web")).toMatch(/rollback/);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is no more than allowed on one node, and is updated there all the same",
    async () => {
      const flags = ["--image", cluster.image("bb1"), "--min-healthy", "500ms", "--max-replicas-per-node", "1"];
      await cluster.run("deploy", "few", ...flags, "--replicas", "3", "--wait");
      const said = await cluster.run("update", "few", "--image", cluster.image("bb2"), "--update-delay", "2s", "--wait");
      expect(said).toMatch(/few: next batch in \d+s/);
      expect(new Set((await untilCalm(cluster, "few", 3)).map(({ node }) => node))).toEqual(new Set(["n1", "n2", "n3"]));
      await cluster.cli("scale", "few", "4");
      await cluster.until("the fourth is pending", async () => (await cluster.containers("few")).some(({ phase }) => phase === "pending"));
      const pending = (await cluster.containers("few")).find(({ phase }) => phase === "pending");
      expect(pending?.rejections).toMatchObject([{ filter: "max-per-node", nodes: ["n1", "n2", "n3"] }]);
    },
    JOURNEY_TIMEOUT_MS,
  );
});
