import { randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { ContainerView } from "../../../actors/views.ts";
import { type Image, layer, image as makeImage } from "../../../ops/testbed/image.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { deployHealthy, nodeNumber, onEngines, untilEnginesAgree, webSpec } from "./engines.ts";
import { Poller } from "./poller.ts";

/** "Within seconds", on a machine that has other work. */
const SECONDS_MS = 20_000;
const FOREIGN_PORT = 9_091;
const LISTEN = `require("node:net").createServer().listen(${FOREIGN_PORT}, "0.0.0.0", () => console.log("listening"))`;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("what goes wrong is said in words within seconds", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "failures" });
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: 3, rollout: { minHealthyMs: 500 } }));
  }, 180_000);

  afterAll(() => cluster.stop());

  /** An image no node has yet, with a layer of its own so that something must be pulled. */
  const freshImage = async (name: string): Promise<string> => {
    const { bb1 } = cluster.bed.images;
    const own = layer([{ kind: "file", path: "etc/ballast", content: randomBytes(2_000_000), mode: 0o644 }]);
    const fresh: Image = makeImage({
      name: `odysseus-test/${name}`,
      tag: "1",
      architecture: bb1.architecture,
      layers: [...bb1.layers, own],
      command: ["until-term", "httpd", "-f", "-p", "8080", "-h", "/www"],
    });
    await cluster.bed.registry.push(fresh);
    return cluster.bed.registry.reference(fresh);
  };

  /** At the machine's address in the testbed's network, where the nodes may use registries without TLS. */
  const registryThat = async (answer: RequestListener): Promise<{ readonly address: string }> => {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, cluster.bed.address, resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { address: `${cluster.bed.address}:${(server.address() as AddressInfo).port}` };
  };

  const create = async (spec: Readonly<Record<string, unknown>>): Promise<void> => {
    const { status, body } = await cluster.api("POST", "/deployments", spec);
    expect({ body, isAccepted: status < 300 }).toMatchObject({ isAccepted: true });
  };

  const replicaSaying = async (deployment: string, words: RegExp): Promise<ContainerView> => {
    const find = async (): Promise<ContainerView | undefined> =>
      (await cluster.containers(deployment)).find(({ reason }) => words.test(reason));
    await cluster.until(`a replica of ${deployment} says ${words}`, async () => (await find()) !== undefined, SECONDS_MS);
    return (await find()) ?? Promise.reject(new Error(`no replica of ${deployment} says ${words} any more`));
  };

  const ended = async (deployment: string, id?: number): Promise<Awaited<ReturnType<Cluster["deployment"]>>> => {
    await cluster.until(`the rollout of ${deployment} has ended`, async () => {
      const { rollout } = await cluster.deployment(deployment);
      return rollout.outcome !== "in-progress" && (id === undefined || rollout.id >= id);
    });
    return cluster.deployment(deployment);
  };

  test("an image that does not exist is refused at once, and nothing is made", async () => {
    const { exitCode, stderr } = await cluster.cli("deploy", "ghost", "--image", `${cluster.bed.registry.address}/odysseus-test/ghost:1`);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/ghost:1" was not found.*Check its name and tag/s);
    expect((await cluster.api("GET", "/deployments/ghost")).status).toBe(404);
  });

  test("a tag that does not exist is refused at an update, and nothing is changed", async () => {
    const { generation } = await cluster.deployment("web");
    const { status, body } = await cluster.api("PATCH", "/deployments/web", { image: `${cluster.image("bb1")}00` });
    expect({ status, body }).toMatchObject({ status: 422, body: { code: "image.not-found" } });
    expect((await cluster.deployment("web")).generation).toBe(generation);
  });

  test("a registry that wants to know who asks: the image is refused at once, with what is missing", async () => {
    const { address } = await registryThat((_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="private"', "content-type": "application/json" });
      response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
    });
    const refused = await cluster.api("POST", "/deployments", { name: "private", image: `${address}/team/app:1` });
    expect(refused).toMatchObject({ status: 422, body: { code: "image.access-denied" } });
    expect((await cluster.api("GET", "/deployments/private")).status).toBe(404);
  });

  test("a registry that never answers is given up in the end, and nothing is made", async () => {
    const { address } = await registryThat(() => undefined);
    const refused = await cluster.api("POST", "/deployments", { name: "silent", image: `${address}/team/app:1` });
    expect(refused).toMatchObject({ status: 503, body: { code: "image.registry-unavailable", retryable: true } });
    expect((await cluster.api("GET", "/deployments/silent")).status).toBe(404);
  }, 40_000);

  test("an image for another platform is not started; the replica says for which it is and what the nodes are", async () => {
    await create({ name: "alien", image: cluster.image("alien") });
    const { rejections, phase } = await replicaSaying("alien", /the image exists for linux\/s390x/);
    expect(phase).toBe("pending");
    expect(rejections).toMatchObject([{ filter: "platform", nodes: ["n1", "n2", "n3"] }]);
    expect((await cluster.deployment("alien")).reason).toMatch(/the image exists for linux\/s390x/);
    await cluster.api("DELETE", "/deployments/alien");
  });

  test("a command that does not exist fails a first rollout within seconds", async () => {
    await create({ name: "mistyped", image: cluster.image("bb1"), command: ["no-such-program"] });
    const { status, reason, rollout } = await ended("mistyped");
    expect({ status, outcome: rollout.outcome }).toEqual({ status: "failed", outcome: "failed" });
    expect(reason).toMatch(/no-such-program/);
    await cluster.api("DELETE", "/deployments/mistyped");
  });

  test("an update that never becomes healthy is rolled back, and the replicas before it never stopped serving", async () => {
    const old = await cluster.containers("web");
    const pollers = await Promise.all(
      old.map((container) => Poller.start(cluster.bed.node(nodeNumber(container)), container.containerId ?? "")),
    );
    const health = { kind: "http", path: "/no-such-page", port: 8080, intervalMs: 200, retries: 2 };
    const { status, body } = await cluster.api("PATCH", "/deployments/web", { health });
    expect({ body, isAccepted: status < 300 }).toMatchObject({ isAccepted: true });
    const failed = (body as { rollout: number }).rollout;
    const { status: after, rollout } = await ended("web", failed + 1);
    expect({ after, rollout }).toMatchObject({ after: "running", rollout: { change: "automatic-rollback", outcome: "succeeded" } });
    const history = (await cluster.api("GET", "/deployments/web/history")).body as {
      items: { generation: number; rollout: { outcome: string; reason?: string } }[];
    };
    const line = history.items.find(({ generation }) => generation === failed);
    expect(line?.rollout).toMatchObject({ outcome: "rolled-back" });
    expect(line?.rollout.reason).toMatch(/health check/);
    const polls = await Promise.all(pollers.map((poller) => poller.stop()));
    for (const { answered, failed: missed } of polls)
      expect({ missed, hasAnswered: answered > 10 }).toEqual({ missed: 0, hasAnswered: true });
    // The rollout has ended; the replica that failed may still be stopping.
    await cluster.untilHealthy("web", old.length);
    expect(new Set((await cluster.containers("web")).map(({ containerId }) => containerId))).toEqual(
      new Set(old.map(({ containerId }) => containerId)),
    );
    await untilEnginesAgree(cluster, "web", 3);
  });

  test("with the policy to pause, a failed update stays as it is and says so", async () => {
    await deployHealthy(
      cluster,
      webSpec("paused", cluster.image("bb1"), { replicas: 2, rollout: { minHealthyMs: 500, onFailure: "pause" } }),
    );
    const { body } = await cluster.api("PATCH", "/deployments/paused", { command: ["no-such-program"] });
    const { status, rollout, healthyReplicas } = await ended("paused", (body as { rollout: number }).rollout);
    expect({ status, outcome: rollout.outcome, healthyReplicas }).toEqual({ status: "failed", outcome: "failed", healthyReplicas: 2 });
    await cluster.api("DELETE", "/deployments/paused");
  });

  test("a port that another program holds on one node: that node is named, and once the port is free the replica runs", async () => {
    const squatter = cluster.bed.node(2).spawn([process.execPath, "-e", LISTEN]);
    await new Promise<void>((resolve) => squatter.child.stdout?.once("data", () => resolve()));
    await create(
      webSpec("ported", cluster.image("bb1"), { replicas: 3, ports: [{ containerPort: 8080, publishedPort: FOREIGN_PORT, mode: "host" }] }),
    );
    // Until a node takes it, a replica may be pending for a port that its like has on the others.
    const { node, failure } = await replicaSaying("ported", new RegExp(`port ${FOREIGN_PORT} of the node is taken`, "i"));
    expect({ node, code: failure?.code }).toEqual({ node: "n2", code: "port.taken" });
    expect((await cluster.deployment("ported")).reason).toMatch(new RegExp(`${FOREIGN_PORT}`));
    squatter.kill("SIGKILL");
    await cluster.untilHealthy("ported", 3);
    await untilEnginesAgree(cluster, "ported", 3);
    await cluster.api("DELETE", "/deployments/ported");
  }, 90_000);

  test("a registry that one node alone cannot reach: the replica is started on another", async () => {
    const image = await freshImage("far-away");
    const rule = ["OUTPUT", "-p", "tcp", "-d", cluster.bed.address, "--dport", "5000", "-j", "REJECT", "--reject-with", "tcp-reset"];
    await cluster.bed.node(3).enter(["iptables", "-I", ...rule]);
    await create(webSpec("far", image, { replicas: 3, rollout: { minHealthyMs: 500 } }));
    const { node, failure } = await replicaSaying("far", /registry/);
    expect({ node, code: failure?.code }).toEqual({ node: "n3", code: "image.registry-unavailable" });
    expect((await ended("far")).rollout.outcome).toBe("succeeded");
    expect((await cluster.containers("far")).map((container) => container.node)).not.toContain("n3");
    await cluster.bed.node(3).enter(["iptables", "-D", ...rule]);
    await cluster.api("DELETE", "/deployments/far");
  }, 90_000);

  test("a disk that is full on one node: the replica says so and is started on another", async () => {
    const image = await freshImage("ballast");
    await cluster.bed.node(3).enter("mount -t tmpfs -o size=512k tmpfs /var/lib/docker/tmp");
    await create(webSpec("heavy", image, { replicas: 3, rollout: { minHealthyMs: 500 } }));
    const { node, failure } = await replicaSaying("heavy", /disk|space/);
    expect({ node, code: failure?.code }).toEqual({ node: "n3", code: "disk.full" });
    expect((await ended("heavy")).rollout.outcome).toBe("succeeded");
    await cluster.bed.node(3).enter("umount /var/lib/docker/tmp");
    await cluster.api("DELETE", "/deployments/heavy");
  }, 90_000);

  test("while the registry is down, what the nodes have goes on: scaling, healing and restarting; an image they lack is refused", async () => {
    const unseen = await freshImage("unseen");
    await cluster.bed.registry.stop();
    await cluster.run("scale", "web", "4", "--wait");
    const [victim] = await cluster.containers("web");
    if (victim === undefined) throw new Error("web has no replica");
    await cluster.bed.killProcess(nodeNumber(victim), victim.containerId ?? "");
    await cluster.until("it is healed", async () =>
      (await cluster.containers("web")).some(
        ({ id, restarts, health }) => id === victim.id && restarts > victim.restarts && health === "healthy",
      ),
    );
    await cluster.run("restart", "web", "--wait");
    const refused = await cluster.api("POST", "/deployments", { name: "unseen", image: unseen });
    expect(refused).toMatchObject({ status: 503, body: { code: "image.registry-unavailable", retryable: true } });
    expect((await cluster.api("GET", "/deployments/unseen")).status).toBe(404);
    await cluster.bed.registry.start();
    await cluster.run("scale", "web", "3", "--wait");
  }, 120_000);

  test("an image that somebody removed from a node is pulled again; that is nobody's failure", async () => {
    await create(webSpec("pruned", await freshImage("pruned"), { rollout: { minHealthyMs: 200 } }));
    expect((await ended("pruned")).rollout.outcome).toBe("succeeded");
    const [{ node: name } = {}] = await cluster.containers("pruned");
    await cluster.run("scale", "pruned", "0", "--wait");
    const node = cluster.bed.node(nodeNumber({ node: name }));
    await cluster.until("no container of it is left", async () => (await onEngines(cluster, "pruned")).length === 0);
    await node.docker(["image", "prune", "-a", "-f"]);
    await cluster.run("scale", "pruned", "3", "--wait");
    expect(await cluster.deployment("pruned")).toMatchObject({ healthyReplicas: 3, restarts: 0, rollout: { outcome: "succeeded" } });
    await cluster.api("DELETE", "/deployments/pruned");
  }, 60_000);

  test("a tag that is moved in the registry changes nothing: not by restarting, scaling or healing", async () => {
    const { bb1, bb2 } = cluster.bed.images;
    const moving = { ...bb1, name: "odysseus-test/moving", tag: "1" };
    await cluster.bed.registry.push(moving);
    await deployHealthy(
      cluster,
      webSpec("pinned", cluster.bed.registry.reference(moving), { replicas: 2, rollout: { minHealthyMs: 200 } }),
    );
    const digest = (await cluster.deployment("pinned")).image.digest;
    await cluster.bed.registry.push({ ...bb2, name: moving.name, tag: moving.tag });
    await cluster.run("restart", "pinned", "--wait");
    await cluster.run("scale", "pinned", "3", "--wait");
    const [victim] = await cluster.containers("pinned");
    await cluster.bed.killProcess(nodeNumber(victim ?? {}), victim?.containerId ?? "");
    await cluster.until("it is healed", async () => (await cluster.deployment("pinned")).restarts > 0);
    await untilEnginesAgree(cluster, "pinned", 3);
    expect((await cluster.deployment("pinned")).image.digest).toBe(digest);
    for (const { node, containerId } of await onEngines(cluster, "pinned")) {
      const env = await cluster.bed.node(nodeNumber({ node })).docker(["inspect", "--format", "{{json .Config.Env}}", containerId]);
      expect(env).toContain("VERSION=1");
    }
    await cluster.api("DELETE", "/deployments/pinned");
  }, 90_000);

  test("an engine that goes down during a rollout and comes back: the rollout ends, truthfully", async () => {
    const { body } = await cluster.api("PATCH", "/deployments/web", { image: cluster.image("bb2"), rollout: { minHealthyMs: 1_500 } });
    const { rollout: id } = body as { rollout: number };
    await cluster.until("the first replica is replaced", async () => (await cluster.deployment("web")).updatedReplicas > 0);
    await cluster.bed.killEngine(2);
    await cluster.until(
      "it is said",
      async () => (await cluster.nodes()).some(({ name, engine }) => name === "n2" && engine === "unreachable"),
      SECONDS_MS,
    );
    await cluster.bed.startEngine(2);
    const { rollout } = await ended("web", id);
    expect(rollout).toMatchObject({ id, outcome: "succeeded" });
    await untilEnginesAgree(cluster, "web", 3);
    expect((await cluster.containers("web")).every(({ image }) => image === cluster.image("bb2"))).toBe(true);
  }, 120_000);
});
