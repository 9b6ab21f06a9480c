import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import type { Placement } from "../../actors/node/contract.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { requireCapability } from "../support/capability.ts";
import { DockerNode } from "./docker-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("networks, on a real engine", () => {
  let bed: Testbed;
  let node: DockerNode;
  let image: Placement["template"]["image"];

  beforeAll(async () => {
    bed = await Testbed.create({ name: "networks", nodes: 1 });
    await bed.up();
    const reference = bed.registry.reference(bed.images.bb1);
    image = { reference, digest: await bed.registry.push(bed.images.bb1), source: "registry" };
  });
  afterAll(() => bed.down());
  beforeEach(() => {
    node = new DockerNode(bed, 1);
  });
  afterEach(() => node.clear());

  const docker = (...args: readonly string[]): Promise<string> => bed.node(1).docker(args);
  const inside = (placementId: string, script: string): Promise<string> =>
    docker("exec", node.containerId(placementId), "sh", "-c", script);
  const networks = async (): Promise<readonly string[]> =>
    (await docker("network", "ls", "--format", "{{.Name}}", "--filter", "name=ody-"))
      .trim()
      .split("\n")
      .filter((name) => name !== "")
      .toSorted();
  const on = (id: string, names: readonly object[], more: object = {}): Promise<Placement> =>
    node.placement(image, { id, template: { networks: names, ...more } });
  const page = "wget -qO- -T 2";

  test("who is on one finds the others by name and alias, and nobody else does; it goes with the last of them", async () => {
    await node.start();
    const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 200 };
    const placements = [
      await on("web.1.1", [{ name: "shop_default", aliases: ["web"] }, { name: "shop_back" }], {
        health,
        ports: [{ containerPort: 8080, publishedPort: 18_080, mode: "host" }],
      }),
      await on("shop-db.1.1", [{ name: "shop_back", aliases: ["db", "database"], internal: true }], { health }),
      await on("stranger.1.1", []),
    ];
    await node.assign(...placements);
    for (const { placementId } of placements) await node.untilHealthy(1, placementId);
    expect(await networks()).toEqual(["ody-acme-shop_back", "ody-acme-shop_default"]);
    for (const name of ["db", "database", "shop-db"]) expect(await inside("web.1.1", `${page} http://${name}:8080/healthz`)).toBe("ok\n");
    expect(await inside("web.1.1", `${page} http://web:8080/healthz`)).toBe("ok\n");
    await expect(inside("stranger.1.1", `${page} http://db:8080/healthz`)).rejects.toThrow(/bad address|failed/);
    expect(await (await fetch(`http://${bed.node(1).address}:18080/healthz`)).text()).toBe("ok\n");

    await docker("kill", node.containerId("shop-db.1.1"));
    await node.untilHealthy(2, "shop-db.1.1");
    expect(await inside("web.1.1", `${page} http://db:8080/healthz`)).toBe("ok\n");

    await node.assign(...placements.filter(({ placementId }) => placementId !== "web.1.1"));
    await node.until("the network nobody needs is gone", async () => (await networks()).join() === "ody-acme-shop_back");
    await node.assign();
    await node.until("no network is left", async () => (await networks()).length === 0);
  });

  test("one that is there already is joined where the node allows it, and left alone", async () => {
    await docker("network", "create", "legacy");
    await node.start(NodeAllowance.parse({ networks: ["legacy"] }));
    await node.assign(
      await on("web.1.1", [{ name: "legacy", external: true }]),
      await on("other.1.1", [{ name: "nowhere", external: true }]),
    );
    await node.untilHealthy();
    const { failure } = await node.untilStatus("it is refused", ({ failure }) => failure !== undefined, "other.1.1");
    expect(failure?.code).toBe("node.not-allowed");
    expect(await docker("network", "inspect", "--format", "{{len .Containers}}", "legacy")).toBe("1\n");
    await node.assign();
    await node.until(
      "it is empty",
      async () => (await docker("network", "inspect", "--format", "{{len .Containers}}", "legacy")) === "0\n",
    );
    await docker("network", "rm", "legacy");
  });
});
