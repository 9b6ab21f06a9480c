import { describe, expect, it } from "vitest";
import { Route } from "../../../actors/deployment/contract.ts";
import type { PersonCommand } from "../../../actors/deployment/commands.ts";
import type { IngressCommand } from "../../../actors/ingress/commands.ts";
import { imageOf, running, type Stage } from "./stage.ts";

const routed = { ports: [{ containerPort: 80 }], routes: [{ host: "shop.example.com" }], drainMs: 10_000 };
const hosts = (...names: readonly string[]): PersonCommand => ({
  kind: "update",
  patch: { routes: names.map((host) => Route.parse({ host })) },
});
const image = (tag: string): PersonCommand => ({ kind: "update", patch: { image: `app:${tag}` }, image: imageOf(tag) });

/** Those that are to run, and the content of which revision they are. */
function placements({ state }: Stage): readonly string[] {
  return Object.values(state.placements).flatMap(({ placementId, contentOf, desired }) =>
    desired === "running" ? [`${placementId}@${contentOf}`] : [],
  );
}

function pools(stage: Stage): readonly (readonly string[])[] {
  const entered = stage
    .messages()
    .ingress.filter((message): message is Extract<IngressCommand, { kind: "enter" }> => message.kind === "enter");
  return entered.flatMap(({ members }) =>
    members.map(({ placementId, targets }) => [placementId, ...targets.map(({ frontend }) => frontend)]),
  );
}

describe("a change of what replicas do not carry", () => {
  it("is a revision that the replicas that run become, and the routes follow at once", () => {
    const stage = running(2, routed);
    stage.sent.length = 0;
    expect(stage.accepted(hosts("shop.example.com", "www.example.com"))).toMatchObject({ revision: 2, change: "changed" });
    expect(placements(stage)).toEqual(["web.1.1@2", "web.2.2@2"]);
    expect(stage.messages()).toMatchObject({
      scheduler: [],
      nodes: [],
      ingress: [{ kind: "serve" }, { kind: "enter" }, { kind: "confirm", rollout: 2 }],
    });
    expect(pools(stage)).toEqual([
      ["web.1.1", "//shop.example.com/", "//www.example.com/"],
      ["web.2.2", "//shop.example.com/", "//www.example.com/"],
    ]);
  });

  it("has succeeded once every proxy serves it, and says which did not in time", () => {
    const stage = running(2, routed);
    stage.accepted(hosts("www.example.com"));
    stage.pass(10_000);
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    stage.served();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "routes changed; no replica was replaced" });
    stage.accepted(hosts("shop.example.com"));
    stage.served("n2");
    expect(stage.state.rollout).toMatchObject({
      outcome: "succeeded",
      reason: "routes changed; no replica was replaced; n2 does not serve it yet",
    });
    stage.accepted(hosts("www.example.com"));
    stage.pass(60_000);
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: expect.stringContaining("has not said") as string });
  });

  it("is over at once where no proxy has anything to do with it", () => {
    const stage = running(2, routed);
    stage.accepted({ kind: "update", patch: { drainMs: 1, rollout: { maxSurge: 2 } } });
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "drainMs, rollout changed; no replica was replaced" });
  });

  it("can be rolled back, and gone back further than, without replacing more than that needs", () => {
    const stage = running(2, routed);
    stage.accepted(image("2"));
    stage.finish();
    const before = stage.active();
    stage.accepted(hosts("www.example.com"));
    expect(stage.accepted({ kind: "rollback" })).toMatchObject({ revision: 4 });
    expect(stage.active()).toEqual(before);
    expect(placements(stage)).toEqual(["web.1.3@2", "web.2.4@2"]);
    stage.accepted({ kind: "rollback", to: 1 });
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.5@1", "web.2.6@1"]);
  });

  it("replaces all replicas as ever when something that they carry changes with it", () => {
    const stage = running(2, routed);
    stage.accepted({ kind: "update", patch: { drainMs: 1, stopGraceMs: 1 } });
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.3@2", "web.2.4@2"]);
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: undefined });
  });

  it("is not held up by a replica that was in trouble before, nor undone because of it", () => {
    const stage = running(3, routed);
    stage.unhealthy("web.1.1");
    stage.tell({ kind: "lost", node: "n3", placementIds: ["web.2.2"] });
    stage.pass(60_000);
    stage.accepted(hosts("www.example.com"));
    stage.served();
    expect(stage.state.rollout).toMatchObject({ change: "update", outcome: "succeeded" });
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.1@2", "web.3.3@2", "web.2.4@2"]);
  });

  it("waits for the replicas that are added with it, and takes away those that are not wanted any more", () => {
    const stage = running(2, routed);
    stage.accepted({ kind: "update", patch: { drainMs: 1 }, replicas: 3 });
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.1@2", "web.2.2@2", "web.3.3@2"]);
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "drainMs, replicas changed; no replica was replaced" });
    stage.accepted({ kind: "update", patch: { drainMs: 2 }, replicas: 1 });
    stage.obey();
    stage.obey();
    expect(placements(stage)).toEqual(["web.1.1@3"]);
  });

  it("carries an update on that is under way, with what it has begun", () => {
    const stage = running(2, routed);
    stage.accepted(image("2"));
    stage.placeAll();
    stage.healthy("web.1.3");
    stage.accepted(hosts("www.example.com"));
    expect(placements(stage)).toEqual(["web.1.1@1", "web.2.2@1", "web.1.3@3"]);
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.3@3", "web.2.4@3"]);
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: undefined });
  });

  it("proves nothing of replicas that never were healthy: what failed before it is rolled back with it", () => {
    const stage = running(2, routed);
    stage.accepted(image("2"));
    stage.placeAll();
    stage.accepted(hosts("www.example.com"));
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    stage.observe(
      "web.1.3",
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs },
      { failure: { code: "command.not-found", message: "no such command", permanent: true, atMs: stage.nowMs } },
    );
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ change: "automatic-rollback", outcome: "succeeded" });
    expect(placements(stage)).toEqual(["web.1.1@1", "web.2.2@1"]);
  });

  it("is what a stopped deployment starts with", () => {
    const stage = running(1, routed);
    stage.accepted({ kind: "stop" });
    stage.obey();
    stage.obey();
    stage.accepted(hosts("www.example.com"));
    stage.accepted({ kind: "start" });
    stage.finish();
    expect(placements(stage)).toEqual(["web.1.2@2"]);
  });

  it("runs no job again that has done its work", () => {
    const stage = running(1, { ...routed, run: "job", restart: { condition: "none" } });
    stage.obey();
    const [placementId = ""] = stage.active();
    stage.observe(placementId, { phase: "ended", outcome: "succeeded" });
    stage.obey();
    stage.obey();
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    stage.accepted({ kind: "update", patch: { drainMs: 1 } });
    stage.finish();
    expect([placements(stage), stage.state.slots[1]?.revision, stage.state.rollout?.outcome]).toEqual([[], 2, "succeeded"]);
    stage.accepted({ kind: "restart" });
    expect(stage.active()).toHaveLength(1);
  });

  it("reaches every node of a global deployment, also one that is silent", () => {
    const stage = running(1, { ...routed, mode: "global" });
    stage.nodes("n1", "n2");
    stage.finish();
    stage.nodes("n1", { name: "n2", readiness: "unreachable", reason: "its agent is silent" });
    stage.accepted(hosts("www.example.com"));
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", reason: "routes changed; no replica was replaced" });
    expect(placements(stage).every((line) => line.endsWith("@2"))).toBe(true);
  });

  it("takes what waits for a node with it", () => {
    const stage = running(1, routed);
    stage.full.add("n3");
    stage.accepted({ kind: "scale", replicas: 2 });
    stage.placeAll();
    stage.accepted(hosts("www.example.com"));
    expect(placements(stage)).toEqual(["web.1.1@2", "web.2.2@2"]);
  });
});

it("a restart is a change of what replicas carry, and so is going back to before it", () => {
  const stage = running(1, routed);
  stage.accepted({ kind: "restart" });
  stage.finish();
  stage.accepted({ kind: "rollback", to: 1 });
  stage.finish();
  expect(placements(stage)).toEqual(["web.1.3@1"]);
});

it("of revisions that do not say whose replicas they have, each has its own", () => {
  const stage = running(1, routed);
  stage.accepted(image("2"));
  stage.finish();
  const { revisions } = stage.state;
  stage.state = { ...stage.state, revisions: revisions.map(({ replicasOf: _none, ...revision }) => revision) };
  stage.accepted(hosts("www.example.com"));
  expect(placements(stage)).toEqual(["web.1.2@3"]);
  stage.finish();
  stage.accepted({ kind: "rollback", to: 1 });
  stage.finish();
  expect(placements(stage)).toEqual(["web.1.3@1"]);
});
