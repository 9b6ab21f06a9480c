import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { DURATION_BOUNDS_SECONDS, IngressCounts } from "../../../actors/ingress/counts-contract.ts";
import { MAX_BALANCED_PORTS, MAX_ROUTES } from "../../../actors/ingress/contract.ts";
import type { NodeSoft } from "../../../actors/views.ts";
import { observeIngress } from "../../../ops/control-plane/ingress-metrics.ts";
import { addressOf } from "../../../runtime/address.ts";
import { encodePayload } from "../../../runtime/payload.ts";
import { until } from "../../../ops/testbed/command.ts";
import { startSimulatedControlPlane } from "../../support/simulated-control-plane.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";

const durations = [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2];
const web = { pool: "web/8080/tcp", answers: [0, 2, 0, 0, 1], durations, durationSumSeconds: 0.75 };
const site = { pool: "shop///shop.example.com/cart", answers: [0, 0, 4, 0, 0], durations, durationSumSeconds: 1 };

/** A control plane that heard this from node n1. */
function heard(counts: IngressCounts) {
  const clock = new VirtualClock();
  const registry = new Registry();
  const soft = { ingressCounts: { ...counts, heardAtMs: clock.nowMs() } } as NodeSoft;
  const actors = [addressOf("acme", "node", "n1"), addressOf("acme", "node", "n2"), addressOf("acme", "ingress")];
  const host = {
    actors: () => actors.map((address) => ({ address, phase: "running" as const, depth: 0 })),
    soft: (address: string) => (address === actors[0] ? soft : undefined),
  };
  observeIngress(registry, host as unknown as Parameters<typeof observeIngress>[1], clock);
  return { clock, registry };
}

describe("what the proxies of the nodes do, at /metrics", () => {
  test("is told by node, deployment and published port or route", async () => {
    const { registry } = heard({ proxy: "up", openConnections: 7, pools: [web, site] });
    const text = await registry.metrics();
    const port = 'tenant="acme",node="n1",deployment="web",frontend="8080/tcp"';
    expect(text).toContain(`odysseus_ingress_requests_total{${port},code="2xx"} 2`);
    expect(text).toContain(`odysseus_ingress_requests_total{${port},code="5xx"} 1`);
    expect(text).toContain('{tenant="acme",node="n1",deployment="shop",frontend="shop.example.com/cart",code="3xx"} 4');
    expect(text).toContain("# TYPE odysseus_ingress_request_duration_seconds histogram");
    expect(text).toContain(`odysseus_ingress_request_duration_seconds_bucket{le="0.01",${port}} 1`);
    expect(text).toContain(`odysseus_ingress_request_duration_seconds_bucket{le="+Inf",${port}} 2`);
    expect(text).toContain(`odysseus_ingress_request_duration_seconds_sum{${port}} 0.75`);
    expect(text).toContain(`odysseus_ingress_request_duration_seconds_count{${port}} 2`);
    expect(text).toContain('odysseus_ingress_open_connections{tenant="acme",node="n1"} 7');
    expect(text).toContain('odysseus_ingress_proxy_up{tenant="acme",node="n1"} 1');
    expect(text).not.toContain('node="n2"');
  });

  test("is told the same however often it is asked for", async () => {
    const { registry } = heard({ proxy: "up", openConnections: 7, pools: [web, site] });
    expect(await registry.metrics()).toBe(await registry.metrics());
    expect(await registry.getMetricsAsJSON()).toHaveLength(4);
  });

  test("says that a proxy is down, and keeps what it had counted", async () => {
    const { registry } = heard({ proxy: "down", openConnections: 0, pools: [web] });
    const text = await registry.metrics();
    expect(text).toContain('odysseus_ingress_proxy_up{tenant="acme",node="n1"} 0');
    expect(text).toContain('code="2xx"} 2');
  });

  test("is not told of a node that is silent", async () => {
    const { registry, clock } = heard({ proxy: "up", openConnections: 7, pools: [web] });
    await clock.advance(9_000);
    expect(await registry.metrics()).toContain('node="n1"');
    await clock.advance(2_000);
    expect(await registry.metrics()).not.toContain('node="n1"');
  });

  test("fits one message of the bus, however much it is", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const pool = (index: number) => ({
      pool: `${index}/`.padEnd(400, "x"),
      answers: Array.from({ length: 5 }, () => most),
      durations: [...DURATION_BOUNDS_SECONDS.map(() => most), most],
      durationSumSeconds: 1 / 3 + 1_000_000,
    });
    const pools = Array.from({ length: MAX_BALANCED_PORTS + MAX_ROUTES }, (_, index) => pool(index));
    const counts = IngressCounts.parse({ proxy: "up", openConnections: most, pools });
    expect(() => encodePayload("ody.acme.node.n1", { kind: "agent.ingress-counts", session: "s".repeat(100), counts })).not.toThrow();
  });

  test("can be read from the API once a port is published", async () => {
    const controlPlane = await startSimulatedControlPlane(2);
    onTestFinished(() => controlPlane.stop());
    const { ODYSSEUS_URL: url, ODYSSEUS_TOKEN: token } = controlPlane.env;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const metrics = async () => (await fetch(`${url}/metrics`, { headers })).text();
    expect(await metrics()).not.toContain("odysseus_ingress_proxy_up{");
    const body = JSON.stringify({ name: "web", image: "app:1", ports: [{ containerPort: 80, publishedPort: 8080 }] });
    const deploy = () => fetch(`${url}/api/v1/deployments`, { method: "POST", headers, body });
    await until("a node has joined that can look the image up", async () => (await deploy()).ok, 60_000);
    const isTold = async () => {
      const text = await metrics();
      return ["sim-1", "sim-2"].every((node) => text.includes(`odysseus_ingress_proxy_up{tenant="default",node="${node}"} 1`));
    };
    await until("both nodes' proxies are told of", isTold, 60_000);
    expect(await metrics()).toContain('odysseus_ingress_open_connections{tenant="default",node="sim-1"} 0');
  });
});
