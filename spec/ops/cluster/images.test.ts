import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PlannedStack } from "../../../actors/stack/plan-stack.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { untilNodeHealthy } from "./engines.ts";

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("what a plan says of images, on three real engines", () => {
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "images" });
    folder = mkdtempSync(join(tmpdir(), "odysseus-images-"));
  }, 180_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  });

  const manifest = (image: string, greeting: string, more: object = {}): string => {
    const file = join(folder, "compose.yaml");
    const service = {
      image,
      environment: { GREETING: greeting },
      deploy: { replicas: 3, update_config: { order: "stop-first" } },
      "x-odysseus": { rollout: { minHealthyMs: 100 }, stopGraceMs: 1_000 },
      ...more,
    };
    writeFileSync(file, JSON.stringify({ name: "shop", services: { web: service } }));
    return file;
  };
  const planned = async (file: string): Promise<PlannedStack["members"][number]> => {
    const { stdout } = await cluster.cli("plan", file, "--json");
    const [member] = (JSON.parse(stdout) as PlannedStack).members;
    if (member === undefined) throw new Error(stdout);
    return member;
  };
  const byNode = async (file: string): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries((await planned(file)).images.map(({ node, image }) => [node, image]));
  const untilPlanned = (what: string, file: string, expected: Readonly<Record<string, string>>): Promise<void> =>
    cluster.until(what, async () => {
      const seen = await byNode(file);
      return Object.entries(expected).every(([node, image]) => seen[node] === image);
    });

  test("one of three nodes has it: the others would pull it", async () => {
    const file = manifest(cluster.image("bb1"), "one");
    await untilPlanned("no node has it", file, { n1: "pull", n2: "pull", n3: "pull" });
    await cluster.bed.node(2).docker(["pull", cluster.image("bb1")]);
    await untilPlanned("node 2 has it", file, { n1: "pull", n2: "present", n3: "pull" });
    expect((await cluster.cli("plan", file)).stdout).toContain("its image is there on n2, and would be pulled on n1, n3");
    expect(await cluster.run("nodes", "images", "n2")).toContain(cluster.image("bb1"));
  });

  test("once it is applied all have it, until somebody takes it from one of them", async () => {
    await cluster.run("apply", manifest(cluster.image("bb1"), "one"), "--wait");
    const file = manifest(cluster.image("bb1"), "two");
    await untilPlanned("all have it", file, { n1: "present", n2: "present", n3: "present" });
    expect((await cluster.cli("plan", file)).stdout).toContain("its image is there on n1, n2, n3\n");
    const { image } = await cluster.deployment("shop-web");
    const name = cluster.image("bb1").replace(/:[^:/]*$/, `@${image.digest}`);
    await cluster.bed.node(1).docker(["rmi", "-f", name]);
    await untilPlanned("node 1 has lost it", file, { n1: "pull", n2: "present", n3: "present" });
    await cluster.run("apply", file, "--wait");
    await untilPlanned("it was pulled again", manifest(cluster.image("bb1"), "three"), { n1: "present" });
  });

  test("an image that was loaded on one node alone is missing on the others, which is said before it is applied", async () => {
    await cluster.bed.loadImages(3, [cluster.bed.images.sick]);
    const { name, tag } = cluster.bed.images.sick;
    const file = manifest(`${name}:${tag}`, "one");
    await untilPlanned("node 3 has it", file, { n1: "missing", n2: "missing", n3: "present" });
    expect((await planned(file)).findings).toContain(
      `n1, n2 do not have the image ${name}:${tag}, which is in no registry: push it to one, or load it there; n3 has it.`,
    );
  });

  test("one that is never to be pulled runs where it is, whatever a registry has, and elsewhere the replica says what it lacks", async () => {
    const reference = cluster.image("bb2").replace(/:[^:/]*$/, ":own");
    const getsIt = async (number: number): Promise<void> => {
      await cluster.bed.node(number).docker(["pull", cluster.image("bb2")]);
      await cluster.bed.node(number).docker(["tag", cluster.image("bb2"), reference]);
    };
    await getsIt(3);
    await cluster.bed.node(3).docker(["push", reference]);
    const file = manifest(reference, "own", { pull_policy: "never" });
    await untilPlanned("node 3 alone has it", file, { n1: "missing", n2: "missing", n3: "present" });
    expect((await planned(file)).findings).toContain(
      `n1, n2 do not have the image ${reference}, which is pulled from nowhere: load it there; n3 has it.`,
    );
    const lacks = /The image .*:own is not on this node, and is pulled from nowhere: load it there/;
    const deployed = await cluster.cli("deploy", "own", "--image", reference, "--pull", "never", "--replicas", "3", "--wait");
    expect(deployed.exitCode).not.toBe(0);
    expect(deployed.stdout + deployed.stderr).toMatch(lacks);
    await Promise.all([getsIt(1), getsIt(2)]);
    await cluster.untilHealthy("own", 3);

    await cluster.run("scale", "own", "0");
    await cluster.until("none is left", async () => (await cluster.containers("own")).length === 0);
    const { image } = await cluster.deployment("own");
    await cluster.bed.node(1).docker(["rmi", "-f", image.digest]);
    await cluster.run("scale", "own", "3");
    await cluster.until("the replica on node 1 says so, and the others run", async () => {
      const replicas = await cluster.containers("own");
      const isWell = ({ node, health, reason }: (typeof replicas)[number]): boolean =>
        node === "n1" ? lacks.test(reason) : health === "healthy";
      return replicas.length === 3 && replicas.every(isWell);
    });
  });

  test("of a node whose agent is dead it is not known; the newest that another control plane knows is as true as before", async () => {
    const file = manifest(cluster.image("bb1"), "four");
    await cluster.killControlPlane("SIGKILL");
    await cluster.startControlPlane();
    await untilPlanned("it is known again", file, { n1: "present", n2: "present", n3: "present" });
    await cluster.killAgent(3);
    const members = [{ service: "web", spec: { image: cluster.image("bb1"), replicas: 3 } }];
    // Silent for ten seconds it is unknown, for fifteen it is lost, and gets none.
    await cluster.until("what it has is not known", async () => {
      const plan = (await cluster.api("POST", "/stacks/shop/plan", { members })).body as PlannedStack;
      return (plan.members[0]?.images ?? []).some(
        ({ node, image, reason }) => node === "n3" && image === "unknown" && reason?.startsWith("silent for") === true,
      );
    });
    const refused = await cluster.cli("nodes", "images", "n3");
    expect(refused.exitCode).toBe(46);
    expect(refused.stderr).toMatch(/Which images "n3" has is not known now: (silent|lost) for/);
    await cluster.startAgent(3);
    await untilNodeHealthy(cluster, "n3");
    await untilPlanned("it is known again", file, { n3: "present" });
  });
});
