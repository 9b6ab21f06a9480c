import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BalancedPort, Pool } from "../../../actors/ingress/contract.ts";
import { HALVES } from "../../../agent/ingress/entry-points.ts";
import { ROUTES_FILE } from "../../../agent/ingress/static-configuration.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { failuresOf, lanesOf, Load } from "../../support/load/load.ts";
import { IngressBed, type Replica } from "./ingress-bed.ts";
import { askOnce, HeldConnection, unanswered } from "./traffic.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const NO_ANSWER_MS = 500;
/** An agent waits for half a minute before it believes it. */
const HUNG_TIMEOUT_MS = 120_000;
const PROXY = ["--filter", "label=dev.odysseus.role=proxy"];

describeOnTestbed("the proxy of a node that something happens to", () => {
  let ingress: IngressBed;
  let one: Replica;
  let two: Replica;

  beforeAll(async () => {
    ingress = await IngressBed.start("ingress-outages", 2);
    await ingress.bed.registry.push(appImage("1"));
    [one, two] = await Promise.all([ingress.replica(1, 0, "web.1.1"), ingress.replica(2, 0, "web.2.1")]);
    await ingress.serve(1, { ports: [web, echo], pools: pools() });
    await ingress.serve(2, {});
  });
  afterAll(() => ingress?.stop());

  const host = () => ingress.bed.node(1).address;
  const url = () => `http://${host()}:8080`;
  const web: BalancedPort = { port: 8080, protocol: "tcp", pool: "web/8080/tcp" };
  const echo: BalancedPort = { port: 9000, protocol: "tcp", pool: "web/9000/tcp" };
  const pools = (replicas: readonly Replica[] = [one, two]): Pool[] => [
    { id: web.pool, protocol: "http", members: replicas.map(({ http }) => http), sticky: false },
    { id: echo.pool, protocol: "tcp", members: replicas.map(({ tcp }) => tcp), sticky: false },
  ];
  const answers = async () => (await askOnce(`${url()}/healthz`)) === 200;
  const untilAnswers = () => ingress.until("the port answers", () => answers());

  test("killed, it is back with its last routes, without agent and control plane", async () => {
    ingress.killAgent(1);
    const proxy = (await ingress.bed.node(1).docker(["ps", "-q", ...PROXY])).trim();
    const before = await ingress.bed.containerPid(1, proxy);
    await ingress.bed.killProcess(1, proxy, "SIGKILL");
    await ingress.until("the engine has started it again", () =>
      ingress.bed.containerPid(1, proxy).then(
        (pid) => pid !== before,
        () => false,
      ),
    );
    await untilAnswers();
    await ingress.startAgent(1);
    expect((await ingress.bed.node(1).docker(["ps", "-q", ...PROXY])).trim()).toBe(proxy);
  });

  test("an agent that is killed and comes back adopts it: no request fails and a held connection goes on", async () => {
    const held = await HeldConnection.open(host(), 9000);
    const server = await held.ask();
    const load = await Load.start({
      targets: [url()],
      lanes: lanesOf(8, [
        { method: "GET", path: "/" },
        { method: "POST", path: "/echo", bodyBytes: 500 },
      ]),
      pauseMs: 5,
    });
    ingress.killAgent(1);
    await ingress.startAgent(1);
    await ingress.until("it tells what is served", () => ingress.told.get(1)?.proxy.state === "running");
    await ingress.serve(1, { ports: [web, echo], pools: pools([one]) });
    await ingress.serve(1, { ports: [web, echo], pools: pools() });
    expect(await held.ask()).toBe(server);
    expect(failuresOf(await load.stop())).toBe("none");
    held.close();
  });

  test("a restart of its engine takes it along, and brings it back with its last routes", async () => {
    await ingress.serve(1, { ports: [web, echo], pools: pools([two]) });
    ingress.killAgent(1);
    await ingress.bed.restartEngine(1);
    await untilAnswers();
    await ingress.startAgent(1);
    await ingress.bed.node(1).docker(["start", "web.1.1"]);
    await ingress.serve(1, { ports: [web, echo], pools: pools() });
  });

  test("removed by hand with its routes, it is made again, and told to run once it answers by them", async () => {
    const sinceMs = () => {
      const proxy = ingress.told.get(1)?.proxy;
      return proxy?.state === "running" ? proxy.sinceMs : undefined;
    };
    const before = sinceMs();
    for (const half of HALVES) rmSync(join(ingress.bed.node(1).shared.onMachine, "agent/ingress", half, ROUTES_FILE), { force: true });
    await ingress.bed.node(1).docker(["rm", "-f", (await ingress.bed.node(1).docker(["ps", "-q", ...PROXY])).trim()]);
    await ingress.until("another process is told to run", () => sinceMs() !== undefined && sinceMs() !== before);
    expect(await answers()).toBe(true);
  });

  test(
    "hung, it is replaced",
    async () => {
      const hung = (await ingress.bed.node(1).docker(["ps", "-q", ...PROXY])).trim();
      await ingress.bed.killProcess(1, hung, "SIGSTOP");
      await ingress.until("another one runs", async () => {
        const found = (await ingress.bed.node(1).docker(["ps", "-q", ...PROXY])).trim();
        return found !== "" && found !== hung;
      });
      await untilAnswers();
    },
    HUNG_TIMEOUT_MS,
  );

  test("rules that somebody flushes are set again, and nobody gets past them meanwhile for longer than it takes to notice", async () => {
    const flush = ["-t nat -F ODYSSEUS-REDIRECT", "-F ODYSSEUS-INPUT", "-F ODYSSEUS-FORWARD"].map((rules) => `iptables -w 5 ${rules}`);
    // An agent that looks at this moment sets them again before anybody could see it; not twice in a row.
    await ingress.until("the port is closed", async () => {
      await ingress.bed.node(1).enter(flush.join("; "));
      return (await unanswered(host(), 8080, NO_ANSWER_MS)) === "refused";
    });
    await untilAnswers();
    const areClosed = async () => (await unanswered(host(), 20_001, NO_ANSWER_MS)) === "silent";
    await ingress.until("the entry points are closed", areClosed);
    await ingress.bed.node(1).enter("iptables -w 5 -F INPUT");
    await ingress.until("the entry points are closed again", areClosed);
  });

  test("requests that find a dead replica go to another one, also those that must not be repeated", async () => {
    const load = await Load.start({
      targets: [url()],
      lanes: lanesOf(8, [
        { method: "GET", path: "/" },
        { method: "POST", path: "/echo", bodyBytes: 500 },
      ]),
      pauseMs: 5,
    });
    await ingress.bed.node(2).docker(["stop", "-t", "0", "web.2.1"]);
    const beganMs = Date.now();
    await ingress.until("it has been dead for a while", () => Date.now() - beganMs > 2_000);
    const { failures, requests } = await load.stop();
    // Only what was inside it when it died.
    expect(failures.filter(({ atMs }) => atMs > beganMs + 500)).toEqual([]);
    expect(failures.length).toBeLessThanOrEqual(8);
    expect(requests).toBeGreaterThan(100);
    await ingress.bed.node(2).docker(["start", "web.2.1"]);
  });

  test("without a program and without a registry that answers, ports say why they do not answer; and a node can be told to run no proxy", async () => {
    ingress.killAgent(2);
    await ingress.startAgent(2, { ingress: { kind: "image", reference: "registry.invalid/traefik:1" } });
    await ingress.send(2, { ports: [web], pools: pools() });
    await ingress.until("the reason is told", () => ingress.told.get(2)?.proxy.state === "unavailable");
    expect(ingress.told.get(2)?.proxy).toMatchObject({ reason: expect.stringContaining("registry.invalid/traefik:1") });
    ingress.killAgent(2);
    await ingress.startAgent(2, { ingress: { kind: "off" } });
    await ingress.until("the reason is told", () => ingress.told.get(2)?.proxy.state === "unavailable");
    expect(ingress.told.get(2)).toMatchObject({ proxy: { reason: expect.stringContaining("mode=host") }, failedPorts: [{ port: 8080 }] });
    expect(readFileSync(ingress.agentLog(2), "utf8")).not.toContain("Error");
  });
});
