import { beforeEach, describe, expect, test } from "vitest";
import type { IngressCertificate, IngressTable } from "../../../actors/ingress/contract.ts";
import type { AgentMessage } from "../../../actors/node/contract.ts";
import { NodeUnderTest } from "../node-under-test.ts";
import { certificateOf, memberOf, poolOf, tableOf } from "./tables.ts";

const port = { port: 80, protocol: "tcp" as const, pool: "web/80/tcp" };
const template = { ports: [{ containerPort: 8080, publishedPort: 80 }] };
const elsewhere = memberOf("web.2.1", 0, "192.0.2.2");

describe("a node that is told an ingress table", () => {
  let node: NodeUnderTest;

  beforeEach(async () => {
    node = new NodeUnderTest();
    await node.start();
  });

  const told = () =>
    node.messages.findLast((message): message is Extract<AgentMessage, { kind: "agent.ingress" }> => message.kind === "agent.ingress")
      ?.status;
  const serves = (number: number) => node.clock.until(`table ${number} is served`, () => told()?.serving.number === number, 60_000);
  const members = () => node.proxy.members(port.pool);

  /** Its own replica beside one of another node. */
  async function withOwnReplica(number = 1): Promise<IngressTable> {
    await node.assign(await node.placement({ template, id: "web.1.1" }));
    await node.untilHealthy();
    const current = node.status()?.current;
    const endpoint = current?.phase === "running" ? current.endpoints?.[0] : undefined;
    const own = { placementId: "web.1.1", address: "192.0.2.1", port: endpoint?.port ?? 0 };
    return tableOf(number, { ports: [port], pools: [poolOf(port.pool, [own, elsewhere])] });
  }

  test("has it on its disk when it accepts it, serves it, and says so", async () => {
    expect(await node.request(tableOf(1, { ports: [port], pools: [poolOf(port.pool, [elsewhere])] }))).toEqual({
      kind: "accepted",
      epoch: 1,
      number: 1,
    });
    expect(await node.disk.read("ingress-table.json")).toContain("web.2.1");
    await serves(1);
    expect(members()).toEqual(["web.2.1"]);
  });

  test("takes no older one, and the same again changes nothing", async () => {
    await node.request(tableOf(5));
    expect(await node.request(tableOf(4))).toEqual({ kind: "stale", epoch: 1, number: 5 });
    expect(await node.request(tableOf(5))).toEqual({ kind: "accepted", epoch: 1, number: 5 });
    expect(await node.request(tableOf(1, { epoch: 2 }))).toEqual({ kind: "accepted", epoch: 2, number: 1 });
  });

  test("accepts none that it cannot keep, and none that is for another node", async () => {
    node.disk.fill();
    expect(await node.request(tableOf(1))).toMatchObject({ kind: "not-stored", message: expect.stringContaining("full") });
    node.disk.free();
    expect(await node.request(tableOf(1, { node: "n2" }))).toMatchObject({ kind: "refusal", code: "agent.other-node" });
  });

  test("takes none before it has the certificates that it names, and keeps no key longer than a table names it", async () => {
    const [one, two] = [certificateOf("chain one", "key one"), certificateOf("chain two", "key two")];
    const give = (...certificates: readonly IngressCertificate[]) =>
      node.request({ kind: "ingress-certificates", tenant: "acme", node: "n1", certificates: [...certificates] });
    const both = tableOf(1, { certificates: [one.id, two.id] });
    expect(await node.request(both)).toEqual({ kind: "lacking", certificates: [one.id, two.id] });
    node.disk.fill();
    expect(await give(one)).toMatchObject({ kind: "not-stored", message: expect.stringContaining("full") });
    node.disk.free();
    expect(await give(one)).toEqual({ kind: "kept" });
    expect(await node.request(both)).toEqual({ kind: "lacking", certificates: [two.id] });
    await give(two);
    expect(await node.request(both)).toMatchObject({ kind: "accepted", number: 1 });
    await serves(1);
    expect(node.proxy.chains()).toEqual(["chain one", "chain two"]);
    expect(await node.request(tableOf(2, { certificates: [two.id] }))).toMatchObject({ kind: "accepted", number: 2 });
    await serves(2);
    expect(node.proxy.chains()).toEqual(["chain two"]);
    expect(await node.disk.read("ingress-certificates.json")).not.toContain("key one");
  });

  test("asks for certificates again whose file was damaged, and serves without them until then", async () => {
    const certificate = certificateOf("chain", "key");
    const table = tableOf(1, { ports: [port], pools: [poolOf(port.pool, [elsewhere])], certificates: [certificate.id] });
    const message = { kind: "ingress-certificates", tenant: "acme", node: "n1", certificates: [certificate] } as const;
    await node.request({ ...message, certificates: [...message.certificates] });
    await node.request(table);
    await node.stop();
    await node.disk.write("ingress-certificates.json", "{");
    await node.start();
    await node.clock.until("it is served without", () => members().length === 1 && node.proxy.chains().length === 0);
    expect(await node.request(table)).toEqual({ kind: "lacking", certificates: [certificate.id] });
    await node.request({ ...message, certificates: [...message.certificates] });
    expect(await node.request(table)).toMatchObject({ kind: "accepted", number: 1 });
    await node.clock.until("it has them", () => node.proxy.chains().length === 1);
  });

  test("goes on with it when its agent starts again, with the control plane or without", async () => {
    await node.request(tableOf(3, { ports: [port], pools: [poolOf(port.pool, [elsewhere])] }));
    await serves(3);
    await node.stop();
    node.welcome = undefined;
    await node.start();
    await node.clock.until("it is served", () => node.running !== undefined && members().length === 1);
    expect(await node.request(tableOf(2))).toMatchObject({ kind: "stale" });
  });

  test("tells of a replica that left the pools until its last connection has ended", async () => {
    await node.request(tableOf(1, { ports: [port], pools: [poolOf(port.pool, [elsewhere])] }));
    await serves(1);
    node.proxy.connect("web.2.1", 3);
    await node.request(tableOf(2, { ports: [port], pools: [poolOf(port.pool, [])] }));
    await serves(2);
    expect(told()?.draining).toEqual([{ placementId: "web.2.1", connections: 3 }]);
    node.proxy.connect("web.2.1", 0);
    await node.clock.until("it has drained", () => told()?.draining.length === 0);
  });

  test("leads no request to a replica of its own that it sees die, without being told; and to it again once it is healthy", async () => {
    await node.request(await withOwnReplica());
    await serves(1);
    expect(members()).toEqual(["web.1.1", "web.2.1"]);
    node.welcome = undefined;
    node.registry.fail("app", "unavailable");
    node.engine.killProcess(node.containerId());
    await node.clock.until("it is out", () => !members().includes("web.1.1"));
    expect(members()).toEqual(["web.2.1"]);
    node.registry.mend("app");
    await node.clock.until("it is in again", () => members().includes("web.1.1"), 600_000);
  });

  test("leads none to one of its own that turns unhealthy", async () => {
    const health = { kind: "http", path: "/healthz", port: 8080, intervalMs: 500, retries: 1 };
    await node.assign(await node.placement({ template: { ...template, health } }));
    await node.untilHealthy();
    const current = node.status()?.current;
    const own = { placementId: "web.1.1", address: "192.0.2.1", port: (current?.phase === "running" && current.endpoints?.[0]?.port) || 0 };
    await node.request(tableOf(1, { ports: [port], pools: [poolOf(port.pool, [own, elsewhere])] }));
    await serves(1);
    expect(members()).toContain("web.1.1");
    node.engine.forceHealth(node.containerId(), "unhealthy");
    await node.clock.until("it is out", () => !members().includes("web.1.1"));
  });

  test("leads none to a port that is not its replica's: it may be another's by now", async () => {
    const table = await withOwnReplica();
    const moved = table.pools.map((pool) => ({
      ...pool,
      members: pool.members.map((member) =>
        member === elsewhere ? member : { ...member, port: member.port === 31_999 ? 31_998 : 31_999 },
      ),
    }));
    await node.request({ ...table, pools: moved.map((pool) => ({ ...pool, members: [pool.members[0], elsewhere] })) });
    await serves(1);
    expect(members()).toEqual(["web.2.1"]);
  });

  test("tells again with every heartbeat what its proxy does, for whoever did not hear it", async () => {
    await node.request(tableOf(1));
    await serves(1);
    const count = () => node.messages.filter(({ kind }) => kind === "agent.ingress").length;
    const before = count();
    await node.clock.until("it is told again", () => count() >= before + 2, 60_000);
  });

  test("tells of a port that another program has, and of a proxy that died", async () => {
    node.proxy.takePort(80, "tcp");
    await node.request(tableOf(1, { ports: [port], pools: [poolOf(port.pool, [])] }));
    await node.clock.until("it is told", () => told()?.failedPorts.length === 1);
    node.proxy.die();
    await node.clock.until("it is told", () => told()?.proxy.state === "starting");
    node.proxy.revive();
    await node.clock.until("it is told", () => told()?.proxy.state === "running");
  });
});
