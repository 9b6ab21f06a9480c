import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngressTable } from "../../../actors/ingress/contract.ts";
import { NO_FRONTENDS } from "../../../actors/ingress/commands.ts";
import { evolve, noIngress } from "../../../actors/ingress/state.ts";
import { ports, routes, Stage, status } from "./stage.ts";
import { CONFIRM_WITHIN_MS } from "../../../actors/ingress/commands.ts";

function three(): Stage {
  const stage = new Stage();
  for (const name of ["n1", "n2", "n3"]) stage.node(name);
  stage.serve("web", ports(8080));
  return stage;
}

describe("a table", () => {
  it("leads a published port to every healthy replica, on every node alike", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.enter("web.2.2", "n2", 28_201);
    for (const name of ["n1", "n2", "n3"]) {
      const table = IngressTable.parse(stage.table(name));
      expect(table.ports).toEqual([{ port: 8080, protocol: "tcp", pool: "web/8080/tcp" }]);
      expect(table.pools).toEqual([
        {
          id: "web/8080/tcp",
          protocol: "http",
          sticky: false,
          members: [
            { placementId: "web.1.1", address: "10.0.0.1", port: 28_200 },
            { placementId: "web.2.2", address: "10.0.0.2", port: 28_201 },
          ],
        },
      ]);
    }
  });

  it("goes only to the nodes that take traffic; the others hear who may reach their replicas", () => {
    const stage = three();
    stage.node("n2", { labels: { edge: "yes" } });
    stage.tell({ kind: "update", constraints: [{ operator: "exists", key: "edge" }] });
    stage.enter("web.1.1", "n1");
    expect(stage.members("n2")).toEqual(["web.1.1"]);
    expect(stage.table("n1")).toMatchObject({ ports: [], pools: [], peers: ["10.0.0.2"] });
  });

  it("holds the options of a route, and a pool for it alone", () => {
    const stage = three();
    stage.serve("web", routes("app.example.com"));
    expect(stage.table("n1")).toMatchObject({
      routes: [{ host: "app.example.com", path: "/", tls: "on", pool: "web///app.example.com/" }],
      pools: [{ id: "web///app.example.com/", protocol: "http" }],
    });
  });

  it("says which replicas speak gRPC behind a port or a route", () => {
    const stage = three();
    const [route] = routes("app.example.com").routes;
    stage.serve("web", {
      ...NO_FRONTENDS,
      ports: [{ port: 8080, protocol: "tcp", speaks: "grpc" }],
      routes: route === undefined ? [] : [{ ...route, speaks: "grpc" }],
    });
    expect(stage.table("n1").pools).toMatchObject([
      { id: "web/8080/tcp", protocol: "grpc" },
      { id: "web///app.example.com/", protocol: "grpc" },
    ]);
    expect(IngressTable.safeParse(stage.table("n1")).success).toBe(true);
  });

  it("does without the replicas of a lost node at once, and has them again when it is back", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.enter("web.2.2", "n2");
    stage.node("n1", { connection: "lost" });
    expect(stage.members("n2")).toEqual(["web.2.2"]);
    stage.node("n1");
    expect(stage.members("n2")).toEqual(["web.1.1", "web.2.2"]);
  });
});

it("a node that was removed is told of by nobody any more", () => {
  const stage = three();
  stage.enter("web.1.1", "n1");
  stage.tell({ kind: "node-removed", name: "n1" });
  expect(stage.table("n2")).toMatchObject({ peers: ["10.0.0.2", "10.0.0.3"], pools: [{ members: [] }] });
});

describe("a deployment that waits for what it has told to be served", () => {
  it("is answered once every node serves it that takes traffic and is not lost", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.tell({ kind: "confirm", deployment: "web", rollout: 4 });
    const { number } = stage.state;
    stage.says("n1", status(number));
    stage.says("n2", status(number - 1));
    expect(stage.answers).toEqual([]);
    stage.node("n3", { connection: "lost" });
    stage.says("n2", status(number + 1));
    expect(stage.answers).toEqual([{ to: "acme/deployment/web", answer: { kind: "served", rollout: 4, behind: [] } }]);
  });

  it("waits for the port to lead there as well", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.tell({ kind: "confirm", deployment: "web", rollout: 4 });
    const at = status(stage.state.number);
    const opening = { port: 8080, protocol: "tcp", reason: "the port is being opened" } as const;
    for (const name of ["n1", "n2"]) stage.says(name, { ...at, failedPorts: [{ ...opening, port: 9999 }] });
    stage.says("n3", { ...at, failedPorts: [opening] });
    expect(stage.answers).toEqual([]);
    stage.says("n3", at);
    expect(stage.answers).toMatchObject([{ answer: { kind: "served", behind: [] } }]);
  });

  it("is told in time who does not", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.tell({ kind: "confirm", deployment: "web", rollout: 4 });
    for (const name of ["n1", "n3"]) stage.says(name, status(stage.state.number));
    stage.nowMs += CONFIRM_WITHIN_MS;
    stage.look();
    expect(stage.answers).toEqual([{ to: "acme/deployment/web", answer: { kind: "served", rollout: 4, behind: ["n2"] } }]);
    expect(stage.state.confirmations).toEqual({});
  });

  it("is answered for its newest change alone", () => {
    const stage = three();
    stage.tell({ kind: "confirm", deployment: "web", rollout: 4 });
    stage.tell({ kind: "confirm", deployment: "web", rollout: 5 });
    stage.tell({ kind: "conclude", withdrawals: [], served: [{ deployment: "web", rollout: 4, behind: [] }] });
    expect(stage.answers).toEqual([]);
    for (const name of ["n1", "n2", "n3"]) stage.says(name, status(stage.state.number));
    expect(stage.answers).toMatchObject([{ answer: { rollout: 5 } }]);
  });
});

describe("a replica that is to stop", () => {
  it("is out of every table first, and free once every node serves that and has no connection to it left", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.withdraw("web.1.1");
    const { number } = stage.state;
    expect(stage.members("n3")).toEqual([]);
    stage.says("n1", status(number));
    stage.says("n2", status(number - 1));
    stage.says("n3", status(number, [{ placementId: "web.1.1", connections: 2 }]));
    expect(stage.withdrawn()).toEqual([]);
    stage.says("n2", status(number));
    expect(stage.withdrawn()).toEqual([]);
    stage.says("n3", status(number + 1));
    expect(stage.answers).toEqual([
      { to: "acme/deployment/web", answer: { kind: "withdrawn", placements: [{ placementId: "web.1.1", left: [] }] } },
    ]);
  });

  it("is given up at its drain deadline, with what was left and where", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.withdraw("web.1.1", 10_000);
    stage.says("n1", status(stage.state.number, [{ placementId: "web.1.1", connections: 2 }]));
    stage.says("n2", status(stage.state.number));
    stage.nowMs += 9_999;
    stage.look();
    expect(stage.withdrawn()).toEqual([]);
    stage.nowMs += 1;
    stage.look();
    expect(stage.answers.at(-1)?.answer).toHaveProperty("placements", [
      {
        placementId: "web.1.1",
        left: [
          { node: "n1", connections: 2 },
          { node: "n3", connections: "unknown" },
        ],
      },
    ]);
  });

  it("waits for no node that is lost, takes no traffic, or has no proxy", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.withdraw("web.1.1");
    const { number } = stage.state;
    stage.says("n1", status(number));
    stage.node("n2", { connection: "lost" });
    const without = { ...status(0), proxy: { state: "unavailable" as const, reason: "no image" }, serving: { epoch: 0, number: 0 } };
    stage.says("n3", without, number - 1);
    expect(stage.withdrawn()).toEqual([]);
    stage.says("n3", without, number);
    expect(stage.withdrawn()).toEqual(["web.1.1"]);
  });

  it("is answered also when it was in no pool", () => {
    const stage = three();
    stage.withdraw("web.9.9");
    for (const name of ["n1", "n2", "n3"]) stage.says(name, status(stage.state.number));
    expect(stage.withdrawn()).toEqual(["web.9.9"]);
  });

  it("does not come back by a late word of its health", () => {
    const stage = three();
    stage.enter("web.1.1", "n1");
    stage.withdraw("web.1.1");
    stage.enter("web.1.1", "n1");
    expect(stage.members("n1")).toEqual([]);
  });
});

const node = fc.constantFrom("n1", "n2", "n3");
const placementId = fc.constantFrom("web.1.1", "web.2.2", "web.3.3", "shop.1.1", "shop.2.2");
const step = fc.oneof(
  fc.record({ do: fc.constant("enter" as const), placementId, node }),
  fc.record({ do: fc.constant("leave" as const), placementId }),
  fc.record({ do: fc.constant("withdraw" as const), placementId, drainMs: fc.integer({ min: 0, max: 5_000 }) }),
  fc.record({ do: fc.constant("serve" as const), deployment: fc.constantFrom("web", "shop"), port: fc.constantFrom(8080, 9090) }),
  fc.record({ do: fc.constant("node" as const), node, connection: fc.constantFrom("joined" as const, "lost" as const) }),
  fc.record({ do: fc.constant("status" as const), node, lag: fc.integer({ min: 0, max: 3 }), busy: fc.option(placementId) }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function take(stage: Stage, each: Step): void {
  switch (each.do) {
    case "enter":
      return stage.enter(each.placementId, each.node);
    case "leave":
      stage.tell({ kind: "leave", placementIds: [each.placementId] });
      return;
    case "withdraw":
      return stage.withdraw(each.placementId, each.drainMs);
    case "serve":
      return stage.serve(each.deployment, ports(each.port));
    case "node":
      return stage.node(each.node, { connection: each.connection });
    case "status": {
      const draining = each.busy === null ? [] : [{ placementId: each.busy, connections: 1 }];
      return stage.says(each.node, status(Math.max(0, stage.state.number - each.lag), draining));
    }
    case "pass":
      stage.nowMs += each.ms;
      return stage.look();
  }
}

describe("in any order of entering, leaving, withdrawing, serving, losing nodes and hearing of them", () => {
  it("no pool holds a replica that left, is leaving, or is on a lost node; numbers only grow, with every change of a table; a withdrawal is answered once", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stage = three();
        const healthy = new Map<string, string>();
        let asked = 0;
        const tables = (): string => JSON.stringify(["n1", "n2", "n3"].map((name) => ({ ...stage.table(name), number: 0 })));
        for (const each of steps) {
          const [before, told] = [stage.state, tables()];
          if (each.do === "enter" && !(each.placementId in before.withdrawals)) healthy.set(each.placementId, each.node);
          if (each.do === "leave" || each.do === "withdraw") healthy.delete(each.placementId);
          if (each.do === "withdraw" && !(each.placementId in before.withdrawals)) asked += 1;
          take(stage, each);
          expect(stage.state.number).toBeGreaterThanOrEqual(before.number);
          if (tables() !== told) expect(stage.state.number).toBeGreaterThan(before.number);
          for (const name of ["n1", "n2", "n3"])
            for (const member of stage.members(name)) {
              expect(stage.state.withdrawals).not.toHaveProperty([member]);
              expect(stage.state.nodes[healthy.get(member) ?? ""]?.connection).toBe("joined");
            }
        }
        expect(stage.withdrawn().length + Object.keys(stage.state.withdrawals).length).toBe(asked);
        stage.nowMs += 10_000;
        stage.look();
        expect(stage.withdrawn()).toHaveLength(asked);
        expect(stage.events.reduce((state, { event, atMs }) => evolve(state, event, atMs), noIngress)).toEqual(stage.state);
      }),
      { numRuns: 500 },
    );
  });
});
