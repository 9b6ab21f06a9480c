import { describe, expect, it } from "vitest";
import { statusOf } from "../../../actors/deployment/status.ts";
import { imageOf, running } from "./stage.ts";

describe("healing", () => {
  it("replaces what was lost with its node, once", () => {
    const stage = running();
    const [lost = ""] = stage.active();
    stage.tell({ kind: "lost", node: stage.nodeOf(lost), placementIds: [lost] });
    stage.tell({ kind: "lost", node: "n1", placementIds: [lost] });
    expect(stage.active()).toHaveLength(3);
    stage.obey();
    expect(statusOf(stage.state).status).toBe("running");
  });

  it("replaces what is evacuated before it stops it", () => {
    const stage = running();
    const [leaving = ""] = stage.active();
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    expect(stage.active()).toContain(leaving);
    expect(stage.active()).toHaveLength(4);
    stage.obey();
    stage.pass(1_000);
    expect(stage.active()).not.toContain(leaving);
    expect(stage.healthySlots()).toBe(3);
  });

  it("keeps what may stay after all, and gives up its replacement", () => {
    const stage = running();
    const before = stage.active();
    const [leaving = ""] = before;
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    expect(stage.active()).toHaveLength(4);
    stage.tell({ kind: "stay", node: stage.nodeOf(leaving), placementIds: [leaving] });
    expect(stage.active()).toEqual(before);
    expect(stage.messages().scheduler.at(-1)).toMatchObject({ kind: "release" });
  });

  it("begins anew elsewhere what an update has just begun on a node that is drained", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const [begun = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2);
    stage.healthy(begun);
    stage.tell({ kind: "evacuate", node: stage.nodeOf(begun), placementIds: [begun], reason: "n1 is being drained" });
    expect(stage.active()).not.toContain(begun);
    expect(stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2)).toHaveLength(1);
    stage.finish();
    expect(stage.state.rollout).toMatchObject({ outcome: "succeeded", revision: 2 });
  });

  it("keeps what has proved itself on a drained node before what merely came up, when a newer change replaces both", () => {
    const stage = running();
    stage.accepted({ kind: "update", patch: { image: "app:2" }, image: imageOf("2") });
    stage.placeAll();
    const [begun = ""] = stage.active().filter((id) => stage.state.placements[id]?.contentOf === 2);
    const slot = stage.state.placements[begun]?.slot;
    const [proven = ""] = stage.active().filter((id) => stage.state.placements[id]?.slot === slot && id !== begun);
    stage.healthy(begun);
    stage.tell({ kind: "evacuate", node: stage.nodeOf(proven), placementIds: [proven], reason: "n1 is being drained" });
    stage.accepted({ kind: "update", patch: { image: "app:3" }, image: imageOf("3") });
    expect(stage.active()).toContain(proven);
    expect(stage.active()).not.toContain(begun);
  });

  it("keeps a replica that binds a port of its drained node until its successor serves on another", () => {
    const stage = running(1, { ports: [{ containerPort: 80, publishedPort: 8080, mode: "host" }] });
    const [leaving = ""] = stage.active();
    stage.tell({ kind: "evacuate", node: stage.nodeOf(leaving), placementIds: [leaving], reason: "n1 is being drained" });
    stage.pass(60_000);
    expect(stage.active()).toContain(leaving);
    expect(stage.healthySlots()).toBe(1);
    stage.obey();
    stage.pass(1_000);
    expect(stage.active()).not.toContain(leaving);
    expect(stage.healthySlots()).toBe(1);
  });

  it("tries another node when the trouble is the node's, and keeps the evidence", () => {
    const stage = running(1);
    const [stuck = ""] = stage.active();
    stage.observe(
      stuck,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs },
      { attempt: 4, restarts: 3, failure: { code: "disk.full", message: "the disk of n2 is full", permanent: false, atMs: stage.nowMs } },
    );
    expect(stage.active()).not.toContain(stuck);
    stage.ended(stuck);
    stage.pass(5_000);
    expect(stage.active()).toHaveLength(1);
    const place = stage.messages().scheduler.findLast(({ kind }) => kind === "place");
    expect(place).toMatchObject({ requests: [{ avoid: [expect.any(String)] }] });
    expect(stage.state.remains).toMatchObject([{ placementId: stuck }]);
  });

  it("knows a degraded deployment from a running one", () => {
    const stage = running();
    const [first = ""] = stage.active();
    stage.observe(
      first,
      { phase: "backing-off", nextAttemptAtMs: stage.nowMs + 1_000 },
      { restarts: 1, failure: { code: "exited", message: "exited with code 1", permanent: false, atMs: stage.nowMs } },
    );
    expect(statusOf(stage.state)).toMatchObject({ status: "degraded", reason: expect.stringContaining("exited with code 1") as string });
  });
});
