import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OWN_LABEL } from "../../../agent/labels.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { Held } from "../../support/load/held.ts";
import { failuresOf, lanesOf, Load } from "../../support/load/load.ts";
import type { LoadResult } from "../../support/load/plan.ts";
import { deployHealthy, nodeNumber, untilEnginesAgree } from "./engines.ts";
import { statusOf } from "./traffic.ts";

const TEST_TIMEOUT_MS = 240_000;
/** Half of each with connections that are kept. */
const FAST_LANES = 8;
const SLOW_LANES = 4;
/** Of a lane, between an answer and the next request. */
const PAUSE_MS = 5;
const REPLICAS = 10;
const WEB_PORT = 8080;
const HELD_TCP_PORT = 9000;
const HELD_HTTP_PORT = 8081;
/** Requests that were answered after everything had settled: only then is the end of a load the end of the trouble. */
const AFTERWARDS_MS = 1_500;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("requests through ingress on three real engines", () => {
  let cluster: Cluster;
  let images: Readonly<Record<"1" | "2", string>>;
  /** Of a replica that nobody touches. */
  let held: readonly Held[];

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "ingress-load" });
    const [one, two] = [appImage("1"), appImage("2")];
    for (const app of [one, two]) await cluster.bed.registry.push(app);
    images = { "1": cluster.bed.registry.reference(one), "2": cluster.bed.registry.reference(two) };
    await deployHealthy(cluster, {
      ...appSpec("quiet", images["1"]),
      constraints: [{ key: "node.id", operator: "==", value: "n1" }],
      ports: [
        { containerPort: 9000, publishedPort: HELD_TCP_PORT },
        { containerPort: 8080, publishedPort: HELD_HTTP_PORT, appProtocol: "http" },
      ],
    });
    await deployHealthy(cluster, {
      ...appSpec("web", images["1"]),
      replicas: REPLICAS,
      ports: [{ containerPort: 8080, publishedPort: WEB_PORT, appProtocol: "http" }],
    });
    const { address } = cluster.bed.node(2);
    await untilAnswers(WEB_PORT);
    await untilAnswers(HELD_HTTP_PORT);
    held = [await Held.tcp(address, HELD_TCP_PORT), await Held.webSocket(`ws://${address}:${HELD_HTTP_PORT}/ws`)];
  }, 300_000);

  afterAll(async () => {
    for (const connection of held ?? []) connection.close();
    await cluster?.stop();
  });

  /** All nodes answer, with the first of our servers that they find behind the port. */
  async function untilAnswers(port: number, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await cluster.until(`every node answers on ${port}`, async () => {
      const answers = await Promise.all(cluster.bed.nodes.map(({ address }) => statusOf(`http://${address}:${port}/`, headers)));
      return answers.every((status) => status === 200);
    });
  }

  /** Sends a load while something is done to the cluster, and for a moment more. */
  async function under(work: () => Promise<unknown>, { through = [1, 2, 3], port = WEB_PORT, host }: Way = {}): Promise<LoadResult> {
    const fast = lanesOf(FAST_LANES, [
      { method: "GET", path: "/" },
      { method: "POST", path: "/echo", bodyBytes: 2_000 },
    ]);
    const sending = await Load.start({
      targets: through.map((node) => `http://${cluster.bed.node(node).address}:${port}`),
      lanes: [...fast, ...lanesOf(SLOW_LANES, [{ method: "GET", path: "/slow?ms=2000" }])],
      ...(host !== undefined && { host }),
      pauseMs: PAUSE_MS,
    });
    const before = held.map(({ answers }) => answers);
    const beganMs = Date.now();
    await work();
    await delay(AFTERWARDS_MS);
    const result = await sending.stop();
    expect(held.map(({ state }) => state)).toEqual(["alive", "alive"]);
    expect(held.every(({ answers }, index) => answers > (before[index] ?? 0))).toBe(true);
    const last = result.failures.at(-1);
    const until = last === undefined ? "" : `, the last ${((last.atMs - beganMs) / 1_000).toFixed(1)} s after the beginning`;
    console.log(`${result.requests} requests, ${result.failures.length} failed${until}; p99 ${result.p99Ms.toFixed(0)} ms`);
    return result;
  }

  async function settled(replicas = REPLICAS): Promise<void> {
    await cluster.until("web has settled", async () => {
      const { status, rollout } = await cluster.deployment("web");
      return status === "running" && rollout.outcome !== "in-progress";
    });
    await untilEnginesAgree(cluster, "web", replicas);
  }

  const onNode = async (number: number): Promise<number> => {
    const containers = await cluster.containers("web");
    return containers.filter((container) => nodeNumber(container) === number).length;
  };

  const change = async (...args: readonly string[]): Promise<void> => {
    await cluster.run(...args, "--wait");
    await settled();
  };

  test(
    "a rolling update of ten and the way back lose none",
    async () => {
      expect(failuresOf(await under(() => change("update", "web", "--image", images["2"])))).toBe("none");
      expect(failuresOf(await under(() => change("rollback", "web")))).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "ten replicas become two and ten again, and none is lost",
    async () => {
      const result = await under(async () => {
        await cluster.run("scale", "web", "2", "--wait");
        await settled(2);
        await cluster.run("scale", "web", String(REPLICAS), "--wait");
        await settled();
      });
      expect(failuresOf(result)).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a node is drained and taken back, and none is lost",
    async () => {
      const result = await under(async () => {
        await cluster.run("drain", "n3");
        await cluster.until("n3 is drained", async () =>
          (await cluster.nodes()).some(({ name, availability }) => name === "n3" && availability === "drained"),
        );
        await cluster.run("uncordon", "n3");
        // Nobody comes back by himself.
        await change("restart", "web");
      });
      expect(failuresOf(result)).toBe("none");
      expect(await onNode(3)).toBeGreaterThan(1);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "an agent is killed and comes back, and none is lost",
    async () => {
      const result = await under(async () => {
        const killedMs = Date.now();
        await cluster.killAgent(2);
        await cluster.startAgent(2);
        await cluster.until("n2 is heard again", async () =>
          (await cluster.nodes()).some(({ name, lastHeardAtMs }) => name === "n2" && (lastHeardAtMs ?? 0) > killedMs),
        );
        await settled();
      });
      expect(failuresOf(result)).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "the control plane is killed and comes back, and none is lost",
    async () => {
      const result = await under(async () => {
        await cluster.killControlPlane();
        await cluster.startControlPlane();
        await settled();
      });
      expect(failuresOf(result)).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "every proxy is replaced by another, and none is lost",
    async () => {
      const before = await proxies();
      const result = await under(async () => {
        await cluster.run("ingress", "--trust", "192.0.2.0/24");
        await cluster.until("every node has a new proxy", async () => {
          const now = await proxies();
          return now.every((ids, index) => ids.some((id) => !(before[index] ?? []).includes(id)));
        });
        await untilAnswers(WEB_PORT);
        await delay(AFTERWARDS_MS);
      });
      expect(failuresOf(result)).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "another port is published and removed, and none is lost",
    async () => {
      const result = await under(async () => {
        const ports = [{ containerPort: 8080, publishedPort: 8090, appProtocol: "http" }];
        await deployHealthy(cluster, { ...appSpec("other", images["1"]), ports });
        await untilAnswers(8090);
        await cluster.run("delete", "other", "--wait");
      });
      expect(failuresOf(result)).toBe("none");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a route is changed, and none is lost",
    async () => {
      await deployHealthy(cluster, {
        ...appSpec("routed", images["1"]),
        replicas: 2,
        ports: [{ containerPort: 8080 }],
        routes: [{ host: "app.test", tls: "off" }],
      });
      await untilAnswers(80, { host: "app.test" });
      const change = async (): Promise<void> => {
        const routes = [{ host: "app.test", tls: "off", options: { compress: true, sticky: true } }];
        await cluster.api("PATCH", "/deployments/routed", { routes });
        await cluster.until("the change is done", async () => (await cluster.deployment("routed")).rollout.outcome === "succeeded");
        await untilEnginesAgree(cluster, "routed", 2);
      };
      expect(failuresOf(await under(change, { port: 80, host: "app.test" }))).toBe("none");
      await cluster.run("delete", "routed", "--wait");
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a replica is killed: at most the requests inside it fail",
    async () => {
      const result = await under(async () => {
        const victim = (await cluster.containers("web")).find(({ containerId }) => containerId !== undefined);
        if (victim?.containerId === undefined) throw new Error("no replica runs");
        await cluster.bed.killProcess(nodeNumber(victim), victim.containerId);
        await cluster.until("it is replaced", async () =>
          (await cluster.containers("web")).some(({ id, restarts, health }) => id === victim.id && restarts > 0 && health === "healthy"),
        );
      });
      expect(result.failures.length, failuresOf(result)).toBeLessThanOrEqual(FAST_LANES + SLOW_LANES);
      await settled();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a proxy is killed: its engine brings it back with its routes, without anybody",
    async () => {
      const node = cluster.bed.node(3);
      await cluster.killAgent(3);
      const result = await under(async () => {
        for (const id of (await proxies())[2] ?? []) await cluster.bed.killProcess(3, id);
        await cluster.until("it answers again", async () => (await statusOf(`http://${node.address}:${WEB_PORT}/`)) === 200);
      });
      expect(result.failures.every(({ url }) => url.includes(node.address))).toBe(true);
      await cluster.startAgent(3);
      await settled();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "the engine of a node is killed and started: errors end, and all is as before",
    async () => {
      expect(await onNode(3)).toBeGreaterThan(1);
      const result = await under(
        async () => {
          await cluster.bed.killEngine(3);
          await cluster.bed.startEngine(3);
          await settled();
          await untilAnswers(WEB_PORT);
        },
        { through: [1, 2] },
      );
      expect(result.failures.length, failuresOf(result)).toBeLessThan(result.requests / 20);
      expectQuietEnd(result);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "a node loses its power: the others go on without it",
    async () => {
      expect(await onNode(3)).toBeGreaterThan(1);
      const result = await under(
        async () => {
          await cluster.bed.powerOff(3);
          await cluster.until("its replicas are elsewhere", async () => {
            const containers = await cluster.containers("web");
            return containers.length === REPLICAS && containers.every(({ node, health }) => node !== "n3" && health === "healthy");
          });
        },
        { through: [1, 2] },
      );
      expectQuietEnd(result);
    },
    TEST_TIMEOUT_MS,
  );

  /** Ids of the proxies' containers, by node. */
  async function proxies(): Promise<readonly (readonly string[])[]> {
    const filter = `label=${OWN_LABEL.role}=proxy`;
    return Promise.all(
      cluster.bed.nodes.map(async (node) => (await node.docker(["ps", "-q", "--no-trunc", "--filter", filter])).trim().split("\n")),
    );
  }
});

interface Way {
  /** Nodes that the requests are sent to. */
  readonly through?: readonly number[];
  readonly port?: number;
  readonly host?: string;
}

/** The trouble was over before the load was. A request that met it may wait for its own patience, or the proxy's, long after: when it began is what counts. */
function expectQuietEnd(result: LoadResult): void {
  const begunAtMs = result.failures.map(({ atMs, afterMs }) => atMs - afterMs);
  if (begunAtMs.length > 0) expect(Date.now() - Math.max(...begunAtMs), failuresOf(result)).toBeGreaterThan(AFTERWARDS_MS);
}

function appSpec(name: string, image: string): Readonly<Record<string, unknown>> {
  const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 300, timeoutMs: 2_000, startPeriodMs: 60_000 };
  return { name, image, health, stopGraceMs: 2_000, rollout: { minHealthyMs: 500 } };
}
