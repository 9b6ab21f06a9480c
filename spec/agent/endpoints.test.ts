import { beforeEach, describe, expect, test } from "vitest";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import { RESERVED_PORTS } from "../../actors/ingress/contract.ts";
import type { Endpoint } from "../../actors/node/observed-contract.ts";
import { chooseEndpoints, endpointsOf, endpointsText } from "../../agent/endpoints.ts";
import { NodeUnderTest } from "./node-under-test.ts";

const balanced = { ports: [{ containerPort: 8080, publishedPort: 80 }] };
const [first, last] = RESERVED_PORTS.replicas;

describe("where ingress nodes reach a replica", () => {
  let node: NodeUnderTest;

  beforeEach(async () => {
    node = new NodeUnderTest();
    await node.start();
  });

  function endpoints(placementId = "web.1.1"): readonly Endpoint[] {
    const current = node.status(placementId)?.current;
    return current?.phase === "running" ? (current.endpoints ?? []) : [];
  }

  test("is told with its status: one port of the node for a balanced port, and the same for every attempt", async () => {
    await node.assign(await node.placement({ template: balanced }));
    await node.untilHealthy();
    const told = endpoints();
    expect(told).toEqual([{ containerPort: 8080, protocol: "tcp", port: expect.any(Number) }]);
    expect(told[0]?.port).toBeGreaterThanOrEqual(first);
    expect(told[0]?.port).toBeLessThanOrEqual(last);
    node.engine.killProcess(node.containerId());
    await node.untilHealthy("web.1.1", 2);
    expect(endpoints()).toEqual(told);
  });

  test("is another for each replica on the node", async () => {
    const ids = ["web.1.1", "web.2.2", "web.3.3"];
    await node.assign(...(await Promise.all(ids.map((id) => node.placement({ id, template: balanced })))));
    for (const id of ids) await node.untilHealthy(id);
    expect(new Set(ids.map((id) => endpoints(id)[0]?.port)).size).toBe(3);
  });

  test("is another one when something else holds the first, and the replica runs", async () => {
    const placement = await node.placement({ template: balanced });
    await node.assign(placement);
    await node.untilHealthy();
    const [before] = endpoints();
    node.engine.killProcess(node.containerId());
    node.engine.occupyPort(before?.port ?? 0);
    await node.untilHealthy("web.1.1", 3);
    expect(endpoints()[0]?.port).not.toBe(before?.port);
  });

  test("outlives the agent, and the loss of its disk", async () => {
    await node.assign(await node.placement({ template: balanced }));
    await node.untilHealthy();
    const told = endpoints();
    await node.stop();
    for (const name of await node.disk.names()) if (name.startsWith("placement-")) await node.disk.remove(name);
    node.told.clear();
    await node.start();
    await node.untilHealthy();
    expect(endpoints()).toEqual(told);
  });

  test("is nowhere for a port that is bound on the node itself, or not published", async () => {
    const ports = [{ containerPort: 80, publishedPort: 8080, mode: "host" }, { containerPort: 81 }];
    await node.assign(await node.placement({ template: { ports } }));
    await node.untilHealthy();
    expect(endpoints()).toEqual([]);
  });
});

describe("the choice of ports", () => {
  const image = { reference: "app", digest: `sha256:${"0".repeat(64)}`, source: "registry" as const };
  const choose = (template: object, known: readonly Endpoint[] = [], taken: readonly number[] = [], chance = 0) =>
    chooseEndpoints(PinnedTemplate.parse({ image, ...template }), known, new Set(taken), () => chance);

  test("covers what routes lead to: the port they name, else the first; each once", () => {
    const routes = [{ host: "a.test" }, { host: "b.test", containerPort: 9000 }, { host: "c.test", containerPort: 9000 }];
    expect(choose({ ports: [{ containerPort: 8080 }], routes }).map(({ containerPort }) => containerPort)).toEqual([8080, 9000]);
  });

  test("keeps what was chosen, and avoids what others on the node have", () => {
    const known = [{ containerPort: 8080, protocol: "tcp" as const, port: first + 7 }];
    const ports = [...balanced.ports, { containerPort: 53, publishedPort: 53, protocol: "udp" }];
    expect(choose({ ports }, known, [first, first + 7])).toEqual([...known, { containerPort: 53, protocol: "udp", port: first + 1 }]);
    expect(choose(balanced, [], [last], 0.9999)[0]?.port).toBe(first);
  });

  test("is the container's own port in the network of its node, and none without a network", () => {
    expect(choose({ ...balanced, namespaces: { network: "host" } })).toEqual([{ containerPort: 8080, protocol: "tcp", port: 8080 }]);
    expect(choose({ ...balanced, namespaces: { network: "none" } })).toEqual([]);
  });

  test("is read again from a container's label, whatever somebody made of it", () => {
    const endpoints = choose({ ports: [...balanced.ports, { containerPort: 53, publishedPort: 53, protocol: "udp" }] });
    expect(endpointsOf(endpointsText(endpoints))).toEqual(endpoints);
    expect(endpointsOf("8080/tcp=x 1/sctp=2 9/udp=31000")).toEqual([{ containerPort: 9, protocol: "udp", port: 31_000 }]);
  });
});
