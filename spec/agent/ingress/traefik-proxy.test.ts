import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BalancedPort, IngressRoute, Pool, PoolMember } from "../../../actors/ingress/contract.ts";
import { DURATION_BOUNDS_SECONDS } from "../../../actors/ingress/counts-contract.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { failuresOf, lanesOf, Load } from "../../support/load/load.ts";
import { IngressBed, type Replica } from "./ingress-bed.ts";
import { askUdp, HeldConnection, unanswered } from "./traffic.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const NO_ANSWER_MS = 500;
const asks = [
  { method: "GET" as const, path: "/" },
  { method: "POST" as const, path: "/echo", bodyBytes: 2_000 },
  { method: "GET" as const, path: "/slow?ms=300" },
];

describeOnTestbed("the proxy of a node", () => {
  let ingress: IngressBed;
  let one: Replica;
  let two: Replica;

  beforeAll(async () => {
    ingress = await IngressBed.start("ingress", 2);
    await ingress.bed.registry.push(appImage("1"));
    [one, two] = await Promise.all([ingress.replica(1, 0, "web.1.1"), ingress.replica(2, 0, "web.2.1")]);
  });
  afterAll(() => ingress?.stop());

  const host = (node = 1) => ingress.bed.node(node).address;
  const url = (port = 8080, node = 1) => `http://${host(node)}:${port}`;
  const who = async (address: string, init?: RequestInit) => (await (await fetch(address, init)).text()).split(" ")[0] ?? "";
  const web: BalancedPort = { port: 8080, protocol: "tcp", pool: "web/8080/tcp" };
  const echo: BalancedPort = { port: 9000, protocol: "tcp", pool: "web/9000/tcp" };
  const dns: BalancedPort = { port: 5353, protocol: "udp", pool: "web/5353/udp" };
  const pool = (id: string, protocol: Pool["protocol"], members: readonly PoolMember[]): Pool => ({
    id,
    protocol,
    members: [...members],
    sticky: false,
  });
  const pools = (replicas: readonly Replica[] = [one, two]) => [
    pool(
      web.pool,
      "http",
      replicas.map(({ http }) => http),
    ),
    pool(
      echo.pool,
      "tcp",
      replicas.map(({ tcp }) => tcp),
    ),
    pool(
      dns.pool,
      "udp",
      replicas.map(({ udp }) => udp),
    ),
  ];
  const everything = () => ({ ports: [web, echo, dns], pools: pools() });

  async function answering(ask: () => Promise<string | undefined>): Promise<Set<string | undefined>> {
    const answers = new Set<string | undefined>();
    for (let count = 0; count < 10; count += 1) answers.add(await ask());
    return answers;
  }

  test("leads a published port to all replicas, on whichever node they run: HTTP, TCP and UDP", async () => {
    await Promise.all([ingress.serve(1, everything()), ingress.serve(2, everything())]);
    const both = new Set(["web.1.1", "web.2.1"]);
    for (const node of [1, 2]) {
      expect(await answering(() => who(url(8080, node)))).toEqual(both);
      const tcp = async () => {
        const connection = await HeldConnection.open(host(node), 9000);
        return connection.ask().finally(() => connection.close());
      };
      expect(await answering(tcp)).toEqual(both);
      expect(await answering(() => askUdp(host(node), 5353, 5_000))).toEqual(both);
    }
    expect(ingress.told.get(1)).toMatchObject({ proxy: { state: "running", version: "3.7.15" }, failedPorts: [], draining: [] });
  });

  const countsOf = (poolId: string) => ingress.counted.get(1)?.pools.find((counts) => counts.pool === poolId);
  const answeredBy = (poolId: string) => countsOf(poolId)?.answers[1] ?? 0;

  test("tells regularly what it has answered and how long that took, and counts a request once however many replicas were tried", async () => {
    const dead: PoolMember = { ...one.http, placementId: "web.3.1", port: one.http.port + 100 };
    const fresh: BalancedPort = { port: 8082, protocol: "tcp", pool: "web/8082/tcp" };
    await ingress.serve(1, { ports: [fresh], pools: [pool(fresh.pool, "http", [one.http, dead])] });
    for (let count = 0; count < 20; count += 1) expect((await fetch(url(8082))).status).toBe(200);
    expect((await fetch(`${url(8082)}/slow?ms=300`)).status).toBe(200);
    await ingress.until("all are told", () => answeredBy(fresh.pool) === 21);
    const counts = countsOf(fresh.pool);
    expect(counts?.answers).toEqual([0, 21, 0, 0, 0]);
    expect(counts?.durations.at(-1)).toBe(21);
    expect(counts?.durations[DURATION_BOUNDS_SECONDS.indexOf(0.25)]).toBeLessThan(21);
    expect(counts?.durationSumSeconds).toBeGreaterThan(0.3);
  });

  test("tells replicas who their client is, and cannot be talked to past the published ports", async () => {
    await ingress.serve(1, everything());
    const { headers } = (await (await fetch(`${url()}/headers`, { headers: { "x-forwarded-for": "203.0.113.9" } })).json()) as {
      headers: Record<string, string>;
    };
    expect(headers).toMatchObject({ "x-forwarded-for": ingress.bed.address, "x-forwarded-proto": "http" });
    for (const port of [20_000, 20_001, 20_003, 20_200]) expect(await unanswered(host(), port, NO_ANSWER_MS)).toBeDefined();
  });

  test("replica ports are open to ingress nodes, and to nobody else", async () => {
    await Promise.all([ingress.serve(1, everything()), ingress.serve(2, everything())]);
    expect(await unanswered(host(2), two.http.port, NO_ANSWER_MS)).toBe("silent");
    const fromPeer = ["busybox", "wget", "-q", "-O-", "-T", "2", `http://${host(2)}:${two.http.port}/healthz`];
    expect(await ingress.bed.node(1).enter(fromPeer)).toBe("ok\n");
    await Promise.all([ingress.serve(1, everything()), ingress.serve(2, { ...everything(), peers: [host(2)] })]);
    const isShut = (): Promise<boolean> =>
      ingress.bed
        .node(1)
        .enter(fromPeer)
        .then(
          () => false,
          () => true,
        );
    await ingress.until("who is no ingress node any more is shut out", isShut);
    await ingress.serve(2, everything());
    await ingress.until("it is let in again", async () => !(await isShut()));
  });

  test("publishing another port and withdrawing it disturbs no request and no connection through the first", async () => {
    await ingress.serve(1, everything());
    const held = await HeldConnection.open(host(), 9000);
    const server = await held.ask();
    const load = await Load.start({ targets: [url()], lanes: lanesOf(8, asks), pauseMs: 5 });
    const more: BalancedPort = { port: 8081, protocol: "tcp", pool: web.pool };
    for (let round = 0; round < 3; round += 1) {
      await ingress.serve(1, { ports: [web, echo, dns, more], pools: pools() });
      expect(await who(url(8081))).toMatch(/^web/);
      await ingress.serve(1, everything());
      await ingress.until("the port is closed", async () => (await unanswered(host(), 8081, NO_ANSWER_MS)) === "refused");
      expect(await held.ask()).toBe(server);
    }
    const result = await load.stop();
    expect(failuresOf(result)).toBe("none");
    expect(result.requests).toBeGreaterThan(100);
    held.close();
  });

  test("a replica that leaves the pools gets no new request from then on, and is told about until its last one has ended", async () => {
    await ingress.serve(1, everything());
    const load = await Load.start({ targets: [url()], lanes: lanesOf(8, asks), pauseMs: 5 });
    const slow = Array.from({ length: 10 }, () => who(`${url()}/slow?ms=4000`));
    await ingress.until("both replicas have one", async () => (await connectionsTo(two)) > 0 && (await connectionsTo(one)) > 0);
    await ingress.serve(1, { ports: [web, echo, dns], pools: pools([one]) });
    expect(await answering(() => who(url()))).toEqual(new Set(["web.1.1"]));
    await ingress.until(
      "it is seen draining",
      () => ingress.told.get(1)?.draining.some(({ placementId }) => placementId === "web.2.1") === true,
    );
    expect(await Promise.all(slow)).toContain("web.2.1");
    await ingress.until("it has drained", () => ingress.told.get(1)?.draining.length === 0);
    expect(failuresOf(await load.stop())).toBe("none");
  });

  test("a held connection is counted as long as it is held", async () => {
    await ingress.serve(1, { ports: [echo], pools: pools([two]) });
    const held = await HeldConnection.open(host(), 9000);
    expect(await held.ask()).toBe("web.2.1");
    await ingress.serve(1, { ports: [echo], pools: pools([one]) });
    expect(ingress.told.get(1)?.draining).toEqual([{ placementId: "web.2.1", connections: 1 }]);
    expect(await held.ask()).toBe("web.2.1");
    held.close();
    await ingress.until("it has drained", () => ingress.told.get(1)?.draining.length === 0);
  });

  test("a new proxy takes over under load: no request fails, a held connection and a WebSocket go on, and the old one goes when they end", async () => {
    const fresh: BalancedPort = { port: 8083, protocol: "tcp", pool: "web/8083/tcp" };
    const more = () => ({
      ports: [web, echo, dns, fresh],
      pools: [
        ...pools(),
        pool(
          fresh.pool,
          "http",
          [one, two].map(({ http }) => http),
        ),
      ],
    });
    await ingress.serve(1, more());
    const held = await HeldConnection.open(host(), 9000);
    const server = await held.ask();
    const websocket = await HeldConnection.webSocket(host(), 8080);
    const webSocketServer = await websocket.ask();
    const load = await Load.start({ targets: [url(8083)], lanes: lanesOf(8, asks), pauseMs: 5 });
    const proxies = async () =>
      (await ingress.bed.node(1).docker(["ps", "--format", "{{.Names}}", "--filter", "label=dev.odysseus.role=proxy"]))
        .trim()
        .split("\n")
        .sort();
    const [before] = await proxies();
    await ingress.serve(1, { ...more(), trustedProxies: ["192.0.2.1"] });
    await ingress.until("the new one is led to", async () =>
      (await redirects(1)).includes(before?.endsWith("-a") === true ? ":20203" : ":20003"),
    );
    expect(await proxies()).toHaveLength(2);
    expect(await held.ask()).toBe(server);
    expect(await websocket.ask()).toBe(webSocketServer);
    websocket.close();
    held.close();
    await ingress.until("the old one has gone", async () => !(await proxies()).includes(before ?? ""));
    const result = await load.stop();
    expect(failuresOf(result)).toBe("none");
    await ingress.until("what either of them answered is told", () => answeredBy(fresh.pool) >= result.requests);
    expect(answeredBy(fresh.pool)).toBe(result.requests);
  });

  test("a port that another program listens on stays that program's, and is told; once it is free it is led to the replicas", async () => {
    const program = ingress.bed
      .node(1)
      .spawn([process.execPath, "-e", "require('net').createServer((s) => s.end('mine')).listen(8099, () => console.log('up'))"]);
    await once(program.child.stdout!, "data");
    const clash: BalancedPort = { port: 8099, protocol: "tcp", pool: web.pool };
    await ingress.serve(1, { ports: [web, clash], pools: pools() });
    expect(ingress.told.get(1)?.failedPorts).toEqual([
      { port: 8099, protocol: "tcp", reason: expect.stringContaining("in use by another program") },
    ]);
    expect(await who(url())).toMatch(/^web/);
    program.kill("SIGKILL");
    await ingress.until("the port answers", () => ingress.told.get(1)?.failedPorts.length === 0);
    expect(await who(url(8099))).toMatch(/^web/);
  });

  test("routes are told apart by host and path, and the last one that is withdrawn is gone", async () => {
    const route = (change: Partial<IngressRoute>): IngressRoute => ({
      host: "app.test",
      path: "/",
      pool: web.pool,
      tls: "off",
      options: { sticky: false, compress: false, basicAuth: [], allow: [] },
      ...change,
    });
    const only = (replica: Replica, id: string) => pool(id, "http", [replica.http]);
    const first = { ...route({ host: "app.test", pool: "a" }) };
    const second = { ...route({ host: "app.test", path: "/headers", pool: "b" }) };
    const ask = async (path: string, name: string) => {
      const answer = await ingress.bed
        .node(1)
        .enter(["busybox", "wget", "-q", "-O-", "-T", "5", "--header", `Host: ${name}`, `http://${host()}${path}`]);
      return answer.split(" ")[0];
    };
    await ingress.serve(1, { routes: [first, second], pools: [only(one, "a"), only(two, "b")] });
    expect(await ask("/", "app.test")).toBe("web.1.1");
    expect(await ask("/headers", "app.test")).toMatch(/^\{/);
    await expect(ask("/", "other.test")).rejects.toThrow(/404/);
    await ingress.serve(1, {});
    await ingress.until("port 80 is closed", async () => (await unanswered(host(), 80, NO_ANSWER_MS)) === "refused");
    await ingress.until(
      "no proxy is left",
      async () => (await ingress.bed.node(1).docker(["ps", "-aq", "--filter", "label=dev.odysseus.role=proxy"])) === "",
    );
    await ingress.until("that is told", () => ingress.told.get(1)?.proxy.state === "idle");
  });

  async function redirects(node: number): Promise<string> {
    return ingress.bed.node(node).enter("iptables -t nat -S ODYSSEUS-REDIRECT");
  }

  /** From node 1. */
  async function connectionsTo({ http: { address, port } }: Replica): Promise<number> {
    const lines = await ingress.bed.node(1).enter("cat /proc/net/tcp");
    const hex = `${address
      .split(".")
      .reverse()
      .map((byte) => Number(byte).toString(16).padStart(2, "0"))
      .join("")}:${port.toString(16)}`.toUpperCase();
    return lines.split("\n").filter((line) => line.trim().split(/\s+/)[2] === hex).length;
  }
});
