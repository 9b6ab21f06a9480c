import { describe, expect, test } from "vitest";
import type { EventView } from "../../../actors/event/event-view.ts";
import type { DeploymentEvent } from "../../../actors/deployment/events.ts";
import type { NodeEvent } from "../../../actors/node/state.ts";
import { eventWords } from "../../../ops/cli/event-words.ts";

const facts = { offset: 1, atMs: 0, by: "admin", via: "cli", correlationId: "c" };
const ofDeployment = (data: DeploymentEvent): EventView => ({
  ...facts,
  stream: "default/deployment/web",
  kind: "deployment",
  name: "web",
  type: data.type,
  data,
});
const ofNode = (data: NodeEvent): EventView => ({ ...facts, stream: "default/node/n1", kind: "node", name: "n1", type: data.type, data });

describe("an event in words", () => {
  test.each<readonly [EventView, string]>([
    [ofDeployment({ type: "deployment.created", replicas: 1 }), "created with 1 replica"],
    [ofDeployment({ type: "rollout.ended", id: 1, outcome: "failed", reason: "no such image" }), "rollout failed: no such image"],
    [ofDeployment({ type: "slots.adopted", slots: [1, 2], revision: 3 }), "replicas 1, 2 need no successor for revision 3"],
    [ofDeployment({ type: "rollout.served", id: 1, behind: [] }), "every proxy serves it"],
    [ofDeployment({ type: "rollout.served", id: 1, behind: ["n2"] }), "n2 does not serve it yet"],
    [ofDeployment({ type: "placements.assigned", placements: [{ placementId: "web.1.1", node: "n1" }] }), "web.1.1 goes to n1"],
    [
      ofDeployment({
        type: "placements.pended",
        placements: [
          { placementId: "web.2.2", rejections: [{ filter: "ready", nodes: ["n1"], reason: "n1 is lost", remedy: "Start it." }] },
        ],
      }),
      "web.2.2 finds no node: n1 is lost",
    ],
    [
      ofDeployment({ type: "placements.ended", placementIds: ["web.1.1", "web.2.2", "web.3.3", "web.4.4"], because: "stopped" }),
      "web.1.1, web.2.2, web.3.3 and 1 more gone",
    ],
    [ofNode({ type: "node.lost", reason: "silent for 15 s" }), "lost: silent for 15 s"],
  ])("says what happened: %#", (event, words) => {
    expect(eventWords(event)).toBe(words);
  });

  test("leaves out the bookkeeping between parts of the control plane", () => {
    expect(eventWords(ofDeployment({ type: "slots.removed", slots: [1] }))).toBeUndefined();
    expect(eventWords(ofNode({ type: "placements.removed", placementIds: ["web.1.1"] }))).toBeUndefined();
    expect(
      eventWords({ ...facts, stream: "default/scheduler", kind: "scheduler", name: "", type: "node.changed", data: {} }),
    ).toBeUndefined();
  });

  test("names what it does not know, as a newer control plane may tell it", () => {
    const unknown = { type: "deployment.renamed" } as unknown as DeploymentEvent;
    expect(eventWords(ofDeployment(unknown))).toBe("deployment.renamed");
  });
});
