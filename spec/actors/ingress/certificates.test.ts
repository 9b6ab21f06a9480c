import { describe, expect, it } from "vitest";
import { NO_FRONTENDS } from "../../../actors/ingress/commands.ts";
import { lackingNodes, SuppliedNumbers } from "../../../actors/ingress/supplied-numbers.ts";
import { addressOf } from "../../../runtime/address.ts";
import { Installation } from "../host-name/installation.ts";
import { ports, routes, Stage, status } from "./stage.ts";

/** What the keeper of certificates was told last. */
function told({ sent }: Stage): unknown {
  return sent.findLast(({ to }) => to === addressOf("acme", "certificates"))?.message;
}

describe("the keeper of certificates", () => {
  it("hears of every host of a route with TLS, whenever they change", () => {
    const stage = new Stage();
    stage.serve("web", routes("b.example.com", "a.example.com"));
    expect(told(stage)).toEqual({ kind: "want", hosts: ["a.example.com", "b.example.com"] });
    const before = stage.sent.length;
    stage.serve("shop", ports(8080));
    expect(stage.sent).toHaveLength(before);
    stage.serve("web", NO_FRONTENDS);
    expect(told(stage)).toEqual({ kind: "want", hosts: [] });
  });

  it("hears nothing of a route without TLS", () => {
    const stage = new Stage();
    const [route] = routes("a.example.com").routes;
    if (route === undefined) throw new Error("no route");
    stage.serve("web", { ...NO_FRONTENDS, routes: [{ ...route, tls: "off" }] });
    expect(told(stage)).toBeUndefined();
  });

  it("hears of no host that another tenant has, so no authority is asked for it", () => {
    const installation = new Installation();
    new Stage("rival", installation).serve("site", routes("a.example.com"));
    const stage = new Stage("acme", installation);
    stage.serve("web", routes("a.example.com", "b.example.com"));
    expect(told(stage)).toEqual({ kind: "want", hosts: ["b.example.com"] });
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
