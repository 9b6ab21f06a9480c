import { describe, expect, it } from "vitest";
import { NO_FRONTENDS } from "../../../actors/ingress/commands.ts";
import { ports, routes, Stage } from "./stage.ts";

describe("a port or a route that somebody has", () => {
  it("is refused to others, with the holder's name", () => {
    const stage = new Stage();
    expect(stage.reserve("shop", ports(8080))).toBeUndefined();
    stage.serve("shop", ports(8080));
    expect(stage.reserve("web", ports(8080))).toMatchObject({
      code: "ingress.port-taken",
      message: expect.stringContaining("Port 8080/tcp is published by deployment shop") as string,
    });
    expect(stage.audited).toEqual(["ingress.reserved", "deployments.create"]);
    stage.serve("shop", routes("app.example.com"));
    expect(stage.reserve("web", routes("app.example.com"))).toMatchObject({
      message: expect.stringContaining("The route app.example.com/ is deployment shop's") as string,
    });
    expect(stage.reserve("web", routes("other.example.com"))).toBeUndefined();
  });

  it("is its own as often as it asks", () => {
    const stage = new Stage();
    stage.serve("shop", ports(8080));
    expect(stage.reserve("shop", ports(8080, 9090))).toBeUndefined();
    expect(stage.reserve("shop", ports(8080))).toBeUndefined();
  });

  it("is free again once its deployment has given it up", () => {
    const stage = new Stage();
    stage.serve("shop", ports(8080));
    stage.serve("shop", NO_FRONTENDS);
    expect(stage.reserve("web", ports(8080))).toBeUndefined();
  });

  it("is free again when whoever asked for it never served it", () => {
    const stage = new Stage();
    stage.reserve("shop", ports(8080));
    stage.nowMs += 59_000;
    expect(stage.reserve("web", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
    stage.nowMs += 1_000;
    expect(stage.reserve("web", ports(8080))).toBeUndefined();
    stage.tell({ kind: "wake" });
    expect(stage.state.claims.map(({ deployment }) => deployment)).toEqual(["web"]);
  });

  it("may be bound by several in host mode, because each node is booked for itself", () => {
    const stage = new Stage();
    const bound = { ...NO_FRONTENDS, hostPorts: [{ port: 8080, protocol: "tcp" as const }] };
    stage.serve("shop", bound);
    expect(stage.reserve("web", bound)).toBeUndefined();
    expect(stage.reserve("api", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
    stage.serve("web", bound);
    expect(stage.reserve("shop", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
  });

  it("is 80 or 443 as soon as there is a route, and a route needs both", () => {
    const stage = new Stage();
    stage.serve("shop", routes("app.example.com"));
    expect(stage.reserve("web", ports(443))).toMatchObject({ code: "ingress.port-routed" });
    stage.serve("shop", ports(80));
    expect(stage.reserve("web", routes("app.example.com"))).toMatchObject({ code: "ingress.routes-blocked" });
  });

  it("stays with the earlier one when two serve it, and goes to the next in line", () => {
    const stage = new Stage();
    stage.node("n1");
    stage.serve("shop", ports(8080));
    stage.serve("web", ports(8080));
    expect(stage.table("n1").ports.map(({ pool }) => pool)).toEqual(["shop/8080/tcp"]);
    stage.serve("shop", NO_FRONTENDS);
    expect(stage.table("n1").ports.map(({ pool }) => pool)).toEqual(["web/8080/tcp"]);
  });

  it("cannot be had in numbers that no node serves", () => {
    const stage = new Stage();
    const many = Array.from({ length: 129 }, (_, index) => 5_000 + index);
    expect(stage.reserve("web", ports(...many))).toMatchObject({ code: "ingress.full" });
  });
});

describe("what a stack keeps for its members while its change is under way", () => {
  const web = { deployment: "shop-web", frontends: { ...ports(8080), routes: routes("app.example.com").routes } };

  it("is nobody else's, however long the change takes", () => {
    const stage = new Stage();
    stage.reserveAll([web]);
    stage.tell({ kind: "keep", stack: "shop", wants: [web] });
    stage.nowMs += 3_600_000;
    stage.tell({ kind: "wake" });
    expect(stage.reserve("rival", ports(8080))).toMatchObject({ code: "ingress.port-taken", message: expect.stringContaining("shop-web") });
    expect(stage.reserve("rival", routes("app.example.com"))).toMatchObject({ code: "ingress.route-taken" });
    stage.serve("shop-web", web.frontends);
    stage.tell({ kind: "keep", stack: "shop", wants: [] });
    expect(stage.reserve("rival", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
  });

  it("is free as soon as the change is over and the member did not come to serve it", () => {
    const stage = new Stage();
    stage.reserveAll([web]);
    stage.tell({ kind: "keep", stack: "shop", wants: [web] });
    stage.tell({ kind: "keep", stack: "shop", wants: [] });
    expect(stage.reserve("rival", ports(8080))).toBeUndefined();
  });

  it("is also what a member has given up, for it may have to go back", () => {
    const stage = new Stage();
    stage.serve("shop-web", ports(8080));
    stage.tell({ kind: "keep", stack: "shop", wants: [{ deployment: "shop-web", frontends: ports(8080, 9090) }] });
    stage.serve("shop-web", ports(9090));
    expect(stage.reserve("rival", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
    stage.tell({ kind: "keep", stack: "shop", wants: [] });
    expect(stage.reserve("rival", ports(8080))).toBeUndefined();
    expect(stage.reserve("rival", ports(9090))).toMatchObject({ code: "ingress.port-taken" });
  });

  it("stays with the next change, whose reservation was made while the one before was under way", () => {
    const stage = new Stage();
    stage.reserveAll([web]);
    stage.tell({ kind: "keep", stack: "shop", wants: [web] });
    stage.nowMs += 100_000;
    stage.reserveAll([web]);
    stage.tell({ kind: "keep", stack: "shop", wants: [] });
    expect(stage.reserve("rival", ports(8080))).toMatchObject({ code: "ingress.port-taken" });
    stage.nowMs += 60_000;
    expect(stage.reserve("rival", ports(8080))).toBeUndefined();
  });

  it("is told once: the same again is no event", () => {
    const stage = new Stage();
    stage.tell({ kind: "keep", stack: "shop", wants: [web] });
    stage.events.length = 0;
    stage.tell({ kind: "keep", stack: "shop", wants: [web] });
    stage.tell({ kind: "keep", stack: "other", wants: [] });
    expect(stage.events).toEqual([]);
  });
});
