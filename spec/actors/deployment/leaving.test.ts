import { describe, expect, it } from "vitest";
import { NO_FRONTENDS, type IngressCommand } from "../../../actors/ingress/commands.ts";
import { phaseOf } from "../../../actors/deployment/status.ts";
import { imageOf, Stage, templateOf } from "./stage.ts";

const published = { ports: [{ containerPort: 80, publishedPort: 8080 }], health: { kind: "http", path: "/" }, drainMs: 10_000 };

function running(replicas = 2, more: Readonly<Record<string, unknown>> = {}): Stage {
  const stage = new Stage();
  stage.accepted({ kind: "create", template: templateOf("1", { ...published, ...more }), platforms: [], replicas });
  stage.finish();
  return stage;
}

function told<Kind extends IngressCommand["kind"]>(stage: Stage, kind: Kind): readonly Extract<IngressCommand, { kind: Kind }>[] {
  return stage.messages().ingress.filter((message): message is Extract<IngressCommand, { kind: Kind }> => message.kind === kind);
}

describe("what the ingress hears", () => {
  it("is the ports of a deployment when it is made, and its replicas when they are healthy", () => {
    const stage = running(1);
    expect(stage.messages().ingress).toEqual([
      { kind: "serve", deployment: "web", frontends: { ...NO_FRONTENDS, ports: [{ port: 8080, protocol: "tcp", speaks: "http" }] } },
      {
        kind: "enter",
        deployment: "web",
        members: [{ placementId: "web.1.1", node: "n2", targets: [{ frontend: "8080/tcp", port: 28_201 }] }],
      },
    ]);
  });

  it("is that a port speaks gRPC, and so does the route that leads to it", () => {
    const stage = running(1, {
      ports: [
        { containerPort: 80, publishedPort: 8080 },
        { containerPort: 90, publishedPort: 9090, appProtocol: "grpc" },
      ],
      routes: [{ host: "a.example.com" }, { host: "b.example.com", containerPort: 90 }],
    });
    expect(told(stage, "serve").map(({ frontends }) => frontends)).toMatchObject([
      {
        ports: [
          { port: 8080, speaks: "http" },
          { port: 9090, speaks: "grpc" },
        ],
        routes: [
          { host: "a.example.com", speaks: "http" },
          { host: "b.example.com", speaks: "grpc" },
        ],
      },
    ]);
  });

  it("is that a replica is unhealthy, and healthy again", () => {
    const stage = running(1);
    stage.sent.length = 0;
    stage.unhealthy("web.1.1");
    stage.healthy("web.1.1");
    expect(stage.messages().ingress).toMatchObject([{ kind: "leave", placementIds: ["web.1.1"] }, { kind: "enter" }]);
  });

  it("is that the replicas of a lost node are gone", () => {
    const stage = running(1);
    stage.tell({ kind: "lost", node: "n2", placementIds: ["web.1.1"] });
    expect(told(stage, "leave")).toEqual([{ kind: "leave", placementIds: ["web.1.1"] }]);
  });

  it("is both revisions' ports while a rollout is under way, and after it those that are wanted", () => {
    const stage = running(1);
    stage.sent.length = 0;
    stage.accepted({ kind: "update", patch: { ports: [{ containerPort: 81, publishedPort: 9090, protocol: "tcp", mode: "balanced" }] } });
    stage.finish();
    stage.obey();
    const served = told(stage, "serve").map(({ frontends }) => frontends.ports.map(({ port }) => port));
    expect(served).toEqual([[9090, 8080], [9090]]);
  });

  it("keeps the ports of a stopped deployment, and gives up those of a deleted one", () => {
    const stage = running(1);
    stage.accepted({ kind: "stop" });
    stage.finish();
    expect(told(stage, "serve")).toHaveLength(1);
    stage.accepted({ kind: "delete" });
    expect(told(stage, "serve").at(-1)?.frontends).toEqual(NO_FRONTENDS);
  });

  it("is nothing of a deployment that publishes nothing, and only the port of one that binds it on its replicas' nodes", () => {
    const stage = running(1, { ports: [{ containerPort: 80 }] });
    expect(stage.messages().ingress).toEqual([]);
    const bound = running(1, { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] });
    expect(bound.messages().ingress.map(({ kind }) => kind)).toEqual(["serve"]);
  });
});

describe("a replica that traffic reaches", () => {
  it("leaves the pools before it is stopped, and is stopped when the ingress says that nothing leads to it", () => {
    const stage = running();
    stage.sent.length = 0;
    stage.accepted({ kind: "scale", replicas: 1 });
    expect(told(stage, "withdraw")).toEqual([
      { kind: "withdraw", deployment: "web", placements: [{ placementId: "web.2.2", drainMs: 10_000 }] },
    ]);
    expect(stage.messages().nodes).toEqual([]);
    expect(stage.active()).toEqual(["web.1.1"]);
    const leaving = stage.state.placements["web.2.2"];
    expect(leaving === undefined ? undefined : phaseOf(leaving)).toBe("draining");
    stage.withdrawn("web.2.2");
    expect(stage.messages().nodes).toEqual([{ kind: "stop", placementIds: ["web.2.2"] }]);
  });

  it("is stopped in the end when the ingress never answers", () => {
    const stage = running();
    stage.sent.length = 0;
    stage.accepted({ kind: "scale", replicas: 1 });
    stage.pass(39_999);
    expect(stage.messages().nodes).toEqual([]);
    stage.pass(1);
    expect(stage.messages().nodes).toEqual([{ kind: "stop", placementIds: ["web.2.2"] }]);
    stage.withdrawn("web.2.2");
    expect(stage.messages().nodes).toHaveLength(1);
  });

  it("is replaced by an update after its successor has entered", () => {
    const stage = running();
    stage.sent.length = 0;
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.finish();
    const order = stage.messages().ingress.flatMap((message) => {
      if (message.kind === "enter") return message.members.map(({ placementId }) => `in ${placementId}`);
      return message.kind === "withdraw" ? message.placements.map(({ placementId }) => `out ${placementId}`) : [];
    });
    expect(order).toEqual(["in web.1.3", "out web.1.1", "in web.2.4", "out web.2.2"]);
  });

  it("still leaves in order when it has become unhealthy, because it may have requests in it", () => {
    const stage = running();
    stage.unhealthy("web.2.2");
    stage.accepted({ kind: "scale", replicas: 1 });
    expect(told(stage, "withdraw")).toHaveLength(1);
  });
});

it("a replica that no traffic ever reached is stopped at once", () => {
  const stage = new Stage();
  stage.accepted({ kind: "create", template: templateOf("1", published), platforms: [], replicas: 2 });
  stage.placeAll();
  stage.accepted({ kind: "scale", replicas: 1 });
  expect(told(stage, "withdraw")).toEqual([]);
  expect(stage.messages().nodes.at(-1)).toEqual({ kind: "stop", placementIds: ["web.2.2"] });
});

describe("ports and routes that cannot be had", () => {
  it.each([
    [{ ports: [80, 81].map((containerPort) => ({ containerPort, publishedPort: 8080 })) }, /8080\/tcp is published twice/],
    [{ routes: [{ host: "a.example.com" }] }, /a\.example\.com\/ leads to no port/],
    [
      { ports: [{ containerPort: 80 }], routes: [{ host: "a.example.com" }, { host: "a.example.com" }] },
      /a\.example\.com\/ is given twice/,
    ],
    [{ ports: [{ containerPort: 80, publishedPort: 443 }], routes: [{ host: "a.example.com" }] }, /on 443\/tcp the routes answer/],
  ])("are refused in words: %j", (more, words) => {
    const stage = new Stage();
    expect(stage.person({ kind: "create", template: templateOf("1", more), platforms: [], replicas: 1 })).toMatchObject({
      code: "deployment.invalid",
      message: expect.stringMatching(words) as string,
    });
  });
});
