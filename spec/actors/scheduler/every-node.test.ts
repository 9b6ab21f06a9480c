import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foresee } from "../../../actors/scheduler/foresee.ts";
import { fittingNodes } from "../../../actors/scheduler/fitting-nodes.ts";
import type { Requirements } from "../../../actors/scheduler/contract.ts";
import { MEBIBYTE, requirements, Stage, threeNodes } from "./stage.ts";

const inEurope = requirements({ constraints: [{ operator: "==", key: "zone", value: "eu" }] });
const follow = (stage: Stage, wanted: Requirements = requirements(), revision = 1): void =>
  stage.tell({ kind: "follow-nodes", deployment: "logs", revision, requirements: wanted });

describe("a deployment that follows the nodes", () => {
  it("is told which fit, at once and whenever that changes, each time under a greater number", () => {
    const stage = threeNodes([{ labels: { zone: "eu" } }, {}, {}]);
    follow(stage, inEurope);
    expect(stage.lists()).toEqual([
      {
        kind: "nodes-fit",
        revision: 1,
        number: expect.any(Number),
        nodes: [{ name: "n1", readiness: "ready", reason: "" }],
        rejections: [expect.objectContaining({ filter: "constraints", nodes: ["n2", "n3"] })],
      },
    ]);
    stage.node("n2", { labels: { zone: "eu" }, readiness: "cordoned" });
    stage.node("n1", { labels: { zone: "eu" }, cpuMillis: 1 });
    stage.tell({ kind: "node-removed", name: "n1" });
    const [first, second, third] = stage.lists();
    expect(stage.lists()).toHaveLength(3);
    expect(second?.nodes.map(({ name, readiness }) => `${name} ${readiness}`)).toEqual(["n1 ready", "n2 cordoned"]);
    expect(third?.nodes.map(({ name }) => name)).toEqual(["n2"]);
    expect(first?.number).toBeLessThan(second?.number ?? 0);
    expect(second?.number).toBeLessThan(third?.number ?? 0);
  });

  it("is told by its newest revision, and no more once it asks for nothing", () => {
    const stage = threeNodes();
    follow(stage, requirements(), 2);
    follow(stage, inEurope, 1);
    follow(stage, inEurope, 3);
    stage.tell({ kind: "unfollow-nodes", deployment: "logs" });
    stage.node("n4", { labels: { zone: "eu" } });
    expect(stage.lists().map(({ revision, nodes }) => [revision, nodes.length])).toEqual([
      [2, 3],
      [3, 0],
    ]);
  });

  it("always knows what is so, whatever happens to the nodes", () => {
    const change = fc.record({
      name: fc.constantFrom("n1", "n2", "n3", "n4"),
      zone: fc.constantFrom("eu", "us", "none"),
      readiness: fc.constantFrom("ready", "cordoned", "draining", "unreachable", "removed"),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const stage = new Stage();
        follow(stage, inEurope);
        for (const { name, zone, readiness } of changes) {
          if (readiness === "removed") stage.tell({ kind: "node-removed", name });
          else stage.node(name, { labels: zone === "none" ? {} : { zone }, readiness });
          const { nodes, rejections } = stage.lists().at(-1) ?? {};
          expect({ nodes, rejections }).toEqual(fittingNodes(stage.state, "logs", { revision: 1, requirements: inEurope }));
        }
      }),
    );
  });
});

describe("a replica that belongs to one node", () => {
  it("goes there and nowhere else, whatever room others have", () => {
    const stage = threeNodes();
    stage.pin("logs", "n2", { memoryReservedBytes: 900 * MEBIBYTE });
    stage.pin("metrics", "n2", { memoryReservedBytes: 900 * MEBIBYTE });
    expect(stage.nodesOf("logs")).toEqual(["n2"]);
    expect(stage.nodesOf("metrics")).toEqual([]);
    expect(stage.rejections()).toEqual([expect.objectContaining({ filter: "resources", nodes: ["n2"] })]);
    stage.pin("other", "n9");
    expect(stage.state.pending[1]?.rejections).toEqual([expect.objectContaining({ reason: "there is no node n9 any more" })]);
  });

  it("waits for its predecessor to stop, unless it is to stand beside it", () => {
    const stage = threeNodes();
    const [old] = stage.pin("logs", "n1");
    stage.pin("logs", "n1");
    expect(stage.rejections()).toEqual([
      expect.objectContaining({ filter: "predecessor", reason: "n1 still has the replica whose place it takes, which is to stop first" }),
    ]);
    stage.tell({ kind: "release", placementIds: [old ?? ""] });
    expect(stage.nodesOf("logs")).toEqual(["n1"]);
    stage.pin("logs", "n1", {}, 1);
    expect(stage.nodesOf("logs")).toEqual(["n1", "n1"]);
  });

  it("waits for one that is there from a time when it had another number", () => {
    const stage = threeNodes();
    const [old = ""] = stage.pin("logs", "n1", { maxPerNode: 1 });
    stage.pin("logs", "n1", { maxPerNode: 1 }, 0, 2);
    expect(stage.rejections()).toEqual([
      expect.objectContaining({ filter: "max-per-node", nodes: ["n1"], remedy: "It goes there once they have stopped." }),
    ]);
    stage.tell({ kind: "release", placementIds: [old] });
    expect(stage.nodesOf("logs")).toEqual(["n1"]);
  });

  it("has data of its own in a volume, which nobody else may take for theirs", () => {
    const stage = threeNodes();
    stage.pin("logs", "n1", { volumes: ["buffer"] });
    stage.pin("logs", "n2", { volumes: ["buffer"] });
    expect(stage.state.volumes).toEqual({ buffer: { kind: "per-node", nodes: ["n1", "n2"] } });
    stage.place("reader", 1, { volumes: ["buffer"] });
    expect(stage.rejections()).toEqual([
      expect.objectContaining({ filter: "volumes", reason: expect.stringMatching(/^volume buffer has data of its own on each of n1, n2/) }),
    ]);
    stage.place("db", 1, { volumes: ["data"] });
    stage.pin("backup", "n3", { volumes: ["data"] });
    stage.pin("backup", "n2", { volumes: ["data"] });
    expect(stage.nodesOf("backup")).toEqual(stage.nodesOf("db"));
  });
});

describe("what a replica on every node would mean", () => {
  it("names the nodes it would go to, those without room, and those left out with the reason", () => {
    const stage = threeNodes([{}, { memoryBytes: MEBIBYTE }, { readiness: "cordoned" }]);
    stage.node("n4", { arch: "arm64" });
    const wanted = requirements({ memoryReservedBytes: 64 * MEBIBYTE, platforms: [{ os: "linux", arch: "amd64" }] });
    const [seen] = foresee(stage.state, [{ deployment: "logs", requirements: wanted, replicas: "one-per-node", replaces: "nothing" }]);
    expect(seen).toMatchObject({
      nodes: { n1: 1 },
      pending: 1,
      rejections: [{ filter: "resources", nodes: ["n2"] }],
      leftOut: [
        { filter: "ready", nodes: ["n3"], reason: "n3 is cordoned" },
        { filter: "platform", nodes: ["n4"] },
      ],
    });
  });

  it("counts on the place of the replica that goes first", () => {
    const stage = threeNodes([{}]);
    const wanted = requirements({ memoryReservedBytes: 600 * MEBIBYTE });
    stage.pin("logs", "n1", wanted);
    const ask = (replaces: "old-first" | "new-first"): unknown =>
      foresee(stage.state, [{ deployment: "logs", requirements: wanted, replicas: "one-per-node", replaces }])[0]?.pending;
    expect([ask("old-first"), ask("new-first")]).toEqual([0, 1]);
  });
});
