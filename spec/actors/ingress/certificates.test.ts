import { describe, expect, it } from "vitest";
import { ingressActor } from "../../../actors/ingress/actor.ts";
import { NO_FRONTENDS, type Frontends } from "../../../actors/ingress/commands.ts";
import { noKeys } from "../../../actors/ingress/keys.ts";
import { evolve, noIngress, type IngressState } from "../../../actors/ingress/state.ts";
import { lackingNodes, SuppliedNumbers } from "../../../actors/ingress/supplied-numbers.ts";
import { addressOf } from "../../../runtime/address.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { ports, routes, Stage, status } from "./stage.ts";

const ADDRESS = addressOf("acme", "ingress");
const outside = { clock: systemClock, bus: new MemoryBroker(systemClock).connect("test"), epochOf: () => 1, keys: noKeys };
const { decider } = ingressActor(outside);

/** What the keeper of certificates is told when a deployment serves these. */
function serve(state: IngressState, deployment: string, frontends: Frontends): { readonly state: IngressState; readonly told: unknown } {
  const meta = {
    commandId: "c",
    principal: { kind: "system", id: "x", role: "system" },
    via: "system",
    correlationId: "c",
  } as const;
  const decision = decider.decide(state, { kind: "serve", deployment, frontends }, { address: ADDRESS, nowMs: 1, meta });
  if (decision.kind === "refuse") throw new Error(decision.refusal.message);
  const told = decision.messages.find(({ to }) => to === addressOf("acme", "certificates"))?.message;
  return { state: decision.events.reduce((next, event) => evolve(next, event, 1), state), told };
}

describe("the keeper of certificates", () => {
  it("hears of every host of a route with TLS, whenever they change", () => {
    const first = serve(noIngress, "web", routes("b.example.com", "a.example.com"));
    expect(first.told).toEqual({ kind: "want", hosts: ["a.example.com", "b.example.com"] });
    const second = serve(first.state, "shop", ports(8080));
    expect(second.told).toBeUndefined();
    const third = serve(second.state, "web", NO_FRONTENDS);
    expect(third.told).toEqual({ kind: "want", hosts: [] });
  });

  it("hears nothing of a route without TLS", () => {
    const [route] = routes("a.example.com").routes;
    if (route === undefined) throw new Error("no route");
    expect(serve(noIngress, "web", { ...NO_FRONTENDS, routes: [{ ...route, tls: "off" }] }).told).toBeUndefined();
  });
});

describe("a challenge", () => {
  const lacking = (stage: Stage, number: number | undefined): string | undefined =>
    lackingNodes(stage.state, number, { epoch: 1, nodes: stage.seen });

  it("is served once every node serves its table, or a later one", () => {
    const stage = new Stage();
    stage.node("n1");
    stage.node("n2");
    stage.seen.set("n1", { acceptedNumber: 5, status: status(5) });
    expect(lacking(stage, 5)).toBe("n2 has not said what its proxy does");
    stage.seen.set("n2", { acceptedNumber: 5, status: status(4) });
    expect(lacking(stage, 5)).toBe("the proxy of n2 is at table 4 of 5");
    stage.seen.set("n2", { acceptedNumber: 6, status: status(6) });
    expect(lacking(stage, 5)).toBeUndefined();
    expect(lacking(stage, undefined)).toBe("no node has been given it yet");
    const opening = { port: 80, protocol: "tcp", reason: "the port is being opened" } as const;
    stage.seen.set("n2", { acceptedNumber: 6, status: { ...status(6), failedPorts: [opening] } });
    expect(lacking(stage, 5)).toBe("port 80 on n2: the port is being opened");
  });

  it("does not wait for a node that is lost, or that has no proxy and so serves nobody", () => {
    const stage = new Stage();
    stage.node("n1");
    stage.node("n2", { connection: "lost" });
    stage.node("n3");
    stage.seen.set("n3", { acceptedNumber: 5, status: { ...status(0), proxy: { state: "unavailable", reason: "no image" } } });
    expect(lacking(stage, 5)).toBe("n1 has not said what its proxy does");
    stage.seen.set("n1", { acceptedNumber: 5, status: status(5) });
    expect(lacking(stage, 5)).toBeUndefined();
    stage.node("n1", { connection: "lost" });
    expect(lacking(stage, 5)).toBe("no node takes traffic");
  });

  it("is looked for in the table that was first made with it", () => {
    const numbers = new SuppliedNumbers();
    numbers.made(10, 3);
    numbers.made(10, 4);
    expect(numbers.numberOf(3)).toBe(10);
    expect(numbers.numberOf(4)).toBeUndefined();
    numbers.made(11, 4);
    numbers.made(12, 4);
    expect(numbers.numberOf(4)).toBe(11);
  });
});
