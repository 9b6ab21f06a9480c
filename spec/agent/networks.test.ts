import { expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { requireCapability } from "../support/capability.ts";
import { OneNode } from "./one-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("networks, on a real engine", () => {
  const one = OneNode.forSuite("networks");

  const networks = async (): Promise<readonly string[]> =>
    (await one.docker("network", "ls", "--format", "{{.Name}}", "--filter", "name=ody-"))
      .trim()
      .split("\n")
      .filter((name) => name !== "")
      .toSorted();
  const on = (id: string, names: readonly object[], more: object = {}): Promise<Placement> =>
    one.node.placement(one.image, { id, template: { networks: names, ...more } });
  const page = "wget -qO- -T 2";

  test("who is on one finds the others by name and alias, and nobody else does; it goes with the last of them", async () => {
    await one.node.start();
    const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 200 };
    const placements = [
      await on(
        "web.1.1",
        [
          { name: "shop_default", aliases: ["web"] },
          { name: "shop_back", internal: true },
        ],
        {
          health,
          ports: [{ containerPort: 8080, publishedPort: 18_080, mode: "host" }],
        },
      ),
      await on("shop-db.1.1", [{ name: "shop_back", aliases: ["db", "database"], internal: true }], { health }),
      await on("stranger.1.1", []),
    ];
    await one.node.assign(...placements);
    for (const { placementId } of placements) await one.node.untilHealthy(1, placementId);
    expect(await networks()).toEqual([expect.stringMatching(/^ody-acme-shop_back-/), "ody-acme-shop_default"]);
    for (const name of ["db", "database", "shop-db"])
      expect(await one.inside(`${page} http://${name}:8080/healthz`, "web.1.1")).toBe("ok\n");
    expect(await one.inside(`${page} http://web:8080/healthz`, "web.1.1")).toBe("ok\n");
    await expect(one.inside(`${page} http://db:8080/healthz`, "stranger.1.1")).rejects.toThrow(/bad address|failed/);
    expect(await (await fetch(`http://${one.bed.node(1).address}:18080/healthz`)).text()).toBe("ok\n");

    await one.docker("kill", one.node.containerId("shop-db.1.1"));
    await one.node.untilHealthy(2, "shop-db.1.1");
    expect(await one.inside(`${page} http://db:8080/healthz`, "web.1.1")).toBe("ok\n");

    await one.node.assign(...placements.filter(({ placementId }) => placementId !== "web.1.1"));
    await one.node.until("the network nobody needs is gone", async () => /^ody-acme-shop_back-\w+$/.test((await networks()).join()));
    await one.node.assign();
    await one.node.until("no network is left", async () => (await networks()).length === 0);
  });

  test("one that is there already is joined where the node allows it, and left alone", async () => {
    await one.docker("network", "create", "legacy");
    await one.node.start(NodeAllowance.parse({ networks: ["legacy"] }));
    await one.node.assign(
      await on("web.1.1", [{ name: "legacy", external: true }]),
      await on("other.1.1", [{ name: "nowhere", external: true }]),
    );
    await one.node.untilHealthy();
    const { failure } = await one.node.untilStatus("it is refused", ({ failure }) => failure !== undefined, "other.1.1");
    expect(failure?.code).toBe("node.not-allowed");
    expect(await one.docker("network", "inspect", "--format", "{{len .Containers}}", "legacy")).toBe("1\n");
    await one.node.assign();
    await one.node.until(
      "it is empty",
      async () => (await one.docker("network", "inspect", "--format", "{{len .Containers}}", "legacy")) === "0\n",
    );
    // The engine lists nobody on it a moment before it has given up the last one's place.
    await one.node.until("it is left, and the engine lets go of it", () =>
      one.docker("network", "rm", "legacy").then(
        () => true,
        (cause: Error) => {
          if (!cause.message.includes("active endpoints")) throw cause;
          return false;
        },
      ),
    );
  });

  test("one with a subnet gives the replica its own address; with other settings it is another one", async () => {
    await one.node.start();
    const subnets = [{ subnet: "172.28.0.0/16", range: "172.28.5.0/24", gateway: "172.28.5.254" }, { subnet: "fd00:28::/64" }];
    const network = { name: "own", subnets, ipv6: true, ipv4Address: "172.28.9.9", ipv6Address: "fd00:28::9" };
    const first = await on("web.1.1", [network]);
    await one.node.assign(first);
    await one.node.untilHealthy();
    const addresses = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{.Gateway}}{{end}}";
    expect(await one.docker("inspect", "--format", addresses, one.node.containerId())).toBe("172.28.9.9 fd00:28::9 172.28.5.254\n");
    const [made] = await networks();
    expect(made).toMatch(/^ody-acme-own-[0-9a-f]{8}$/);

    const next = await on("web.1.2", [{ name: "own", internal: true, driverOptions: { "com.docker.network.driver.mtu": "1400" } }]);
    await one.node.assign({ ...first, desired: "stopped" }, next);
    await one.node.untilHealthy(1, "web.1.2");
    expect(await one.inside("cat /sys/class/net/eth0/mtu", "web.1.2")).toBe("1400\n");
    await expect(one.inside(`ping -c 1 -W 1 ${one.bed.node(1).address}`, "web.1.2")).rejects.toThrow();
    await one.node.assign(next);
    await one.node.until(
      "the network as it was is gone",
      async () => (await networks()).length === 1 && !(await networks()).includes(made ?? ""),
    );
  });

  test("whom somebody takes off one, or puts on another one, is made anew on its own", async () => {
    await one.docker("network", "create", "strange");
    await one.node.start();
    const placements = [await on("web.1.1", [{ name: "shop_default" }]), await on("api.1.1", [{ name: "shop_default" }])];
    await one.node.assign(...placements);
    for (const { placementId } of placements) await one.node.untilHealthy(1, placementId);
    await one.node.stop();
    await one.docker("network", "connect", "strange", one.node.containerId("web.1.1"));
    await one.docker("network", "disconnect", "ody-acme-shop_default", one.node.containerId("api.1.1"));
    await one.node.start();
    for (const { placementId } of placements) {
      await one.node.untilHealthy(2, placementId);
      const names = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
      expect(await one.docker("inspect", "--format", names, one.node.containerId(placementId))).toBe("ody-acme-shop_default \n");
    }
    await one.docker("network", "rm", "strange");
  });

  test("a port of the node itself answers nobody else", async () => {
    await one.node.start();
    const ports = [{ containerPort: 8080, publishedPort: 18_081, mode: "host", address: "127.0.0.1" }];
    await one.node.assign(await on("web.1.1", [], { ports }));
    await one.node.untilHealthy();
    const page = "http://127.0.0.1:18081/healthz";
    await one.node.until(
      "it answers on the node",
      async () =>
        (await one.bed
          .node(1)
          .enter(["busybox", "wget", "-qO-", page])
          .catch(() => "")) === "ok\n",
    );
    await expect(fetch(`http://${one.bed.node(1).address}:18081/healthz`)).rejects.toThrow();
  });
});
