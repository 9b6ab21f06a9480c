import { describe, expect, test } from "vitest";
import { statusOf } from "../../../actors/deployment/status.ts";
import { Stage, templateOf } from "./stage.ts";

const job = (tag = "1", more: object = {}): ReturnType<typeof templateOf> =>
  templateOf(tag, { run: "job", restart: { condition: "on-failure", maxAttempts: 1 }, ...more });

function running(template = job(), replicas = 2): Stage {
  const stage = new Stage();
  stage.accepted({ kind: "create", template, platforms: [], replicas });
  stage.obey();
  stage.pass(60_000);
  return stage;
}

function end(stage: Stage, placementId: string, outcome: "succeeded" | "failed"): void {
  const failure = { code: "exited" as const, message: "the process ended by itself (exit code 3)", permanent: false, atMs: 1 };
  stage.observe(placementId, { phase: "ended", outcome }, outcome === "failed" ? { failure, restarts: 2 } : {});
}

describe("a job", () => {
  test("is not done by being healthy, but when all its replicas have completed; then its nodes are free again", () => {
    const stage = running();
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    end(stage, "web.1.1", "succeeded");
    expect(stage.state.rollout?.outcome).toBe("in-progress");
    end(stage, "web.2.2", "succeeded");
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded" });
    expect(statusOf(stage.state)).toEqual({ status: "completed", reason: "2 of 2 completed" });
    expect(stage.active()).toEqual([]);
    stage.obey();
    stage.pass(600_000);
    expect(stage.state.placements).toEqual({});
    expect(statusOf(stage.state).status).toBe("completed");
  });

  test("fails when a replica is given up, says why, and never runs an older one instead", () => {
    const stage = running(job("1"), 1);
    end(stage, "web.1.1", "succeeded");
    stage.accepted({ kind: "apply", template: job("2"), platforms: [], replicas: 1 });
    stage.obey();
    const [second = ""] = stage.active();
    end(stage, second, "failed");
    expect(stage.state.rollout).toMatchObject({ change: "update", outcome: "failed", reason: expect.stringContaining("exit code 3") });
    expect(statusOf(stage.state)).toMatchObject({ status: "failed" });
    stage.obey();
    stage.pass(600_000);
    expect(stage.active()).toEqual([]);
  });

  test("that takes the place of one that still runs is run once, and the older one is stopped", () => {
    const stage = running(job("1"), 1);
    stage.accepted({ kind: "apply", template: job("2"), platforms: [], replicas: 1 });
    stage.obey();
    expect(stage.active()).toEqual(["web.1.1", "web.1.2"]);
    end(stage, "web.1.2", "succeeded");
    expect(stage.state.rollout).toMatchObject({ change: "update", outcome: "succeeded" });
    expect(stage.active()).toEqual([]);
    stage.obey();
    stage.pass(600_000);
    expect(stage.state.placements).toEqual({});
  });

  test("runs again with each change, and when it is restarted", () => {
    const stage = running(job(), 1);
    end(stage, "web.1.1", "succeeded");
    stage.obey();
    stage.accepted({ kind: "restart" });
    expect(stage.active()).toEqual(["web.1.2"]);
    stage.obey();
    end(stage, "web.1.2", "succeeded");
    expect(stage.state.rollout).toMatchObject({ change: "restart", outcome: "succeeded" });
    stage.accepted({ kind: "scale", replicas: 2 });
    expect(stage.active()).toEqual(["web.2.3"]);
  });
});

describe("a service that may end", () => {
  test("is well when it has ended with exit code 0, and its deployment is complete", () => {
    const stage = running(templateOf("1", { restart: { condition: "on-failure" } }), 2);
    expect(stage.state.rollout?.outcome).toBe("succeeded");
    end(stage, "web.1.1", "succeeded");
    expect(statusOf(stage.state)).toEqual({ status: "running", reason: "1 of 2 healthy, 1 completed" });
    expect(stage.active()).toEqual(["web.2.2"]);
  });

  test("that is given up later is degraded and says why; an update brings it back", () => {
    const stage = running(templateOf("1", { restart: { condition: "none" } }), 1);
    end(stage, "web.1.1", "failed");
    stage.obey();
    expect(statusOf(stage.state)).toMatchObject({ status: "degraded", reason: expect.stringContaining("exit code 3") });
    stage.accepted({ kind: "apply", template: templateOf("2"), platforms: [], replicas: 1 });
    stage.finish();
    expect(statusOf(stage.state).status).toBe("running");
  });
});
