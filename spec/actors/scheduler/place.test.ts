import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NodeAllowance } from "../../../actors/node/allowance-contract.ts";
import { MAX_PLACEMENTS_PER_NODE } from "../../../actors/node/assignment-contract.ts";
import type { Constraint } from "../../../actors/deployment/contract.ts";
import type { Requirements } from "../../../actors/scheduler/contract.ts";
import { foresee } from "../../../actors/scheduler/foresee.ts";
import { MEBIBYTE, requirements, Stage, threeNodes } from "./stage.ts";

describe("choosing a node", () => {
  it("spreads a deployment over the nodes", () => {
    const stage = threeNodes();
    stage.place("web", 6);
    expect(stage.nodesOf("web")).toEqual(["n1", "n1", "n2", "n2", "n3", "n3"]);
  });

  it("prefers the less loaded among equals", () => {
    const stage = threeNodes();
    stage.place("db", 1, { memoryReservedBytes: 900 * MEBIBYTE });
    stage.place("web", 2, { memoryReservedBytes: 50 * MEBIBYTE });
    expect(stage.nodesOf("web")).toEqual(["n2", "n3"]);
  });

  it("gives what reaches into a node only to nodes that allow it, and says who could allow it how", () => {
    const stage = threeNodes();
    const demands = [
      { setting: "bindPaths", value: "/srv/media/films" },
      { setting: "capabilities", value: "SYS_ADMIN" },
    ] as const;
    stage.place("web", 1, { demands });
    expect(stage.rejections()).toEqual([
      {
        filter: "allowance",
        nodes: ["n1", "n2", "n3"],
        reason: expect.stringMatching(/^n1 does not allow a mount of its \/srv\/media\/films and the capability SYS_ADMIN, n2 does not/),
        remedy:
          'To allow it, add "/srv/media/films" to allow.bindPaths and add "SYS_ADMIN" to allow.capabilities in the settings of that node\'s agent; only its owner can.',
      },
    ]);
    stage.node("n2", { allows: NodeAllowance.parse({ bindPaths: ["/srv/med"], capabilities: ["SYS_ADMIN"] }) });
    expect(stage.nodesOf("web")).toEqual([]);
    stage.node("n2", { allows: NodeAllowance.parse({ bindPaths: ["/srv/media"], capabilities: ["SYS_ADMIN"] }) });
    expect(stage.nodesOf("web")).toEqual(["n2"]);
  });

  it("places a replica where the data of its volumes is, for ever, and says so when it cannot", () => {
    const stage = threeNodes();
    stage.place("db", 3, { volumes: ["data"] });
    expect(new Set(stage.nodesOf("db"))).toEqual(new Set(["n1"]));
    stage.tell({ kind: "release", placementIds: stage.state.reservations.map(({ placementId }) => placementId) });
    stage.node("n1", { readiness: "unreachable", reason: "its agent is silent" });
    stage.place("db", 1, { volumes: ["data"] });
    expect(stage.rejections()).toEqual([
      expect.objectContaining({ filter: "ready", nodes: ["n1"] }),
      {
        filter: "volumes",
        nodes: ["n2", "n3"],
        reason: "the data of volume data is on n1, and a replica that uses it runs there",
        remedy: expect.stringMatching(/Make that node ready/),
      },
    ]);
    stage.node("n1");
    expect(stage.nodesOf("db")).toEqual(["n1"]);
  });

  it("lets a volume that nobody uses be forgotten, and then begins it anew on any node", () => {
    const stage = threeNodes();
    stage.place("db", 1, { volumes: ["data"] });
    expect(() => stage.tell({ kind: "forget-volume", name: "data" })).toThrow(/refuses/);
    stage.tell({ kind: "release", placementIds: stage.state.reservations.map(({ placementId }) => placementId) });
    stage.tell({ kind: "forget-volume", name: "data" });
    stage.node("n1", { readiness: "cordoned" });
    stage.place("db", 1, { volumes: ["data"] });
    expect(stage.nodesOf("db")).toEqual(["n2"]);
  });

  it("keeps a group on one node, and lets all of it move when that node is lost or drained", () => {
    const stage = threeNodes();
    stage.place("web", 2, { together: "shop" });
    stage.place("other", 1);
    stage.place("db", 1, { together: "shop", memoryReservedBytes: 900 * MEBIBYTE });
    expect([...stage.nodesOf("web"), ...stage.nodesOf("db")]).toEqual(["n1", "n1", "n1"]);
    stage.place("cache", 1, { together: "shop", memoryReservedBytes: 900 * MEBIBYTE });
    expect(stage.rejections().map(({ filter, nodes, reason }) => ({ filter, nodes, reason }))).toEqual([
      { filter: "together", nodes: ["n2", "n3"], reason: "replicas of shop run on one node, and they are on n1" },
      { filter: "resources", nodes: ["n1"], reason: expect.stringMatching(/n1 lacks memory/) },
    ]);
    stage.node("n1", { readiness: "draining" });
    expect(stage.nodesOf("cache")).toEqual(["n3"]);
    stage.place("web", 2, { together: "shop" });
    expect(stage.nodesOf("web")).toEqual(["n1", "n1", "n3", "n3"]);
  });

  it("brings a group together again that came apart while its node was away, where the newest of it are", () => {
    const stage = threeNodes();
    stage.place("web", 2, { together: "shop" });
    stage.node("n1", { readiness: "unreachable" });
    stage.place("db", 1, { together: "shop" });
    expect(stage.nodesOf("db")).toEqual(["n2"]);
    expect(stage.evacuated()).toEqual([]);
    stage.node("n1");
    expect(stage.evacuated()).toEqual([
      { kind: "evacuate", placementIds: ["web.1.1", "web.2.2"], reason: "replicas of shop run on one node, and they are on n2" },
    ]);
    stage.tell({ kind: "release", placementIds: ["web.1.1", "web.2.2"] });
    stage.place("web", 2, { together: "shop" });
    expect(stage.nodesOf("web")).toEqual(["n2", "n2"]);
    expect(stage.evacuated()).toHaveLength(1);
  });

  it("brings a group to the data that one of it uses, and nobody to where there is no room", () => {
    const stage = threeNodes();
    stage.place("db", 1, { together: "shop", volumes: ["data"] });
    stage.tell({ kind: "release", placementIds: stage.state.reservations.map(({ placementId }) => placementId) });
    stage.node("n1", { readiness: "cordoned" });
    stage.place("web", 1, { together: "shop", memoryReservedBytes: 900 * MEBIBYTE });
    stage.place("api", 1, { together: "shop" });
    stage.node("n1", { memoryBytes: 500 * MEBIBYTE });
    stage.place("db", 1, { together: "shop", volumes: ["data"] });
    expect(stage.nodesOf("db")).toEqual(["n1"]);
    expect(stage.evacuated()).toEqual([expect.objectContaining({ placementIds: ["api.1.2"] })]);
  });

  it("puts no more replicas on a node than its agent can tell of, and says so", () => {
    const stage = threeNodes([{}]);
    stage.place("web", MAX_PLACEMENTS_PER_NODE + 1, { cpuReservedMillis: 0, memoryReservedBytes: 0 });
    expect(stage.nodesOf("web")).toHaveLength(MAX_PLACEMENTS_PER_NODE);
    expect(stage.rejections()).toEqual([
      { filter: "full", nodes: ["n1"], reason: "n1 has 2500 replicas, and no node takes more than 2500", remedy: "Add a node." },
    ]);
  });

  it("puts no more replicas on a node than are allowed there, and says how many each has", () => {
    const stage = threeNodes([{}, {}]);
    stage.place("web", 5, { maxPerNode: 2 });
    expect(stage.nodesOf("web")).toEqual(["n1", "n1", "n2", "n2"]);
    expect(stage.rejections()).toEqual([
      {
        filter: "max-per-node",
        nodes: ["n1", "n2"],
        reason: "n1 has 2, n2 has 2 of web's replicas, and one node may have 2 at most",
        remedy: "Allow more replicas per node, use fewer replicas, or add a node.",
      },
    ]);
    stage.place("api", 4, { maxPerNode: 2 });
    expect(stage.nodesOf("api")).toEqual(["n1", "n1", "n2", "n2"]);
    stage.node("n3");
    expect(stage.nodesOf("web")).toEqual(["n1", "n1", "n2", "n2", "n3"]);
  });

  it("lets the successor of a replica stand beside it where no more are allowed, so that an update never waits for itself", () => {
    const stage = threeNodes([{}, {}]);
    stage.place("web", 2, { maxPerNode: 1 });
    stage.place("web", 2, { maxPerNode: 1 });
    expect(stage.nodesOf("web")).toEqual(["n1", "n1", "n2", "n2"]);
    stage.tell({ kind: "release", placementIds: ["web.1.1", "web.2.2"] });
    expect(stage.nodesOf("web")).toEqual(["n1", "n2"]);
    const wish = { deployment: "web", requirements: requirements({ maxPerNode: 1 }), replaces: "new-first" } as const;
    expect(foresee(stage.state, [{ ...wish, replicas: 2 }])).toMatchObject([{ nodes: { n1: 1, n2: 1 }, pending: 0 }]);
    expect(foresee(stage.state, [{ ...wish, replicas: 1, replaces: "nothing" }])).toMatchObject([{ nodes: {}, pending: 1 }]);
  });

  it("keeps a replica that must not be at work beside its predecessor waiting until that has stopped, wherever it could go otherwise", () => {
    const stage = threeNodes([{}]);
    stage.place("db", 2);
    stage.place("db", 1, {}, [], 0);
    expect(stage.rejections()).toEqual([
      {
        filter: "predecessor",
        nodes: ["n1"],
        reason: "n1 still has the replica whose place it takes, which is to stop first",
        remedy: "It goes there once that one has stopped.",
      },
    ]);
    stage.tell({ kind: "release", placementIds: ["db.2.2"] });
    expect(stage.nodesOf("db")).toEqual(["n1"]);
    stage.tell({ kind: "release", placementIds: ["db.1.1"] });
    expect(stage.nodesOf("db")).toEqual(["n1"]);
    expect(stage.state.pending).toEqual([]);
  });

  it("avoids a node where the replica failed, unless there is no other", () => {
    const stage = threeNodes([{}, { readiness: "cordoned" }, { readiness: "cordoned" }]);
    stage.place("web", 1, {}, ["n1"]);
    expect(stage.nodesOf("web")).toEqual(["n1"]);
    stage.node("n2");
    stage.place("api", 1, {}, ["n1"]);
    expect(stage.nodesOf("api")).toEqual(["n2"]);
  });

  it.each<[Constraint, readonly string[]]>([
    [{ operator: "==", key: "zone", value: "a" }, ["n1"]],
    [{ operator: "!=", key: "zone", value: "a" }, ["n2", "n3"]],
    [{ operator: "in", key: "zone", values: ["a", "b"] }, ["n1", "n2"]],
    [{ operator: "notin", key: "zone", values: ["a", "b"] }, ["n3"]],
    [{ operator: "exists", key: "node.labels.zone" }, ["n1", "n2"]],
    [{ operator: "==", key: "node.id", value: "n3" }, ["n3"]],
  ])("honours the constraint %j", (constraint, expected) => {
    const stage = threeNodes([{ labels: { zone: "a" } }, { labels: { zone: "b" } }, {}]);
    stage.place("web", 6, { constraints: [constraint] });
    expect([...new Set(stage.nodesOf("web"))]).toEqual(expected);
  });

  it("takes a node of the image's platform", () => {
    const stage = threeNodes([{}, { arch: "arm64" }, {}]);
    stage.place("web", 2, { platforms: [{ os: "linux", arch: "arm64" }] });
    expect(stage.nodesOf("web")).toEqual(["n2", "n2"]);
  });
});

describe("when nothing fits", () => {
  it("says why each node was rejected, and what would make it fit", () => {
    const stage = threeNodes([
      { readiness: "cordoned" },
      { labels: { zone: "b" } },
      { labels: { zone: "a" }, memoryBytes: 100 * MEBIBYTE },
    ]);
    stage.place("web", 1, { memoryReservedBytes: 512 * MEBIBYTE, constraints: [{ operator: "==", key: "zone", value: "a" }] });
    expect(stage.rejections()).toEqual([
      { filter: "ready", nodes: ["n1"], reason: "n1 is cordoned", remedy: "Uncordon n1, or add a node." },
      {
        filter: "constraints",
        nodes: ["n2"],
        reason: "n2 does not meet zone == a",
        remedy: "Label a node so that zone == a, or relax the constraint.",
      },
      {
        filter: "resources",
        nodes: ["n3"],
        reason: "n3 lacks memory: 512 MiB wanted, 100 MiB unreserved",
        remedy: "Free 412 MiB on n3, lower the reservation, or add a node.",
      },
    ]);
    expect(stage.answers).toMatchObject([{ kind: "pending", placements: [{ placementId: "web.1.1" }] }]);
  });

  it("stays readable with three hundred nodes, and lists every one of them beside", () => {
    const stage = threeNodes(Array.from({ length: 300 }, () => ({ readiness: "cordoned" as const })));
    stage.place("web", 1);
    expect(stage.rejections()).toMatchObject([
      {
        nodes: { length: 300 },
        reason: "n1 is cordoned, n10 is cordoned, n100 is cordoned and 297 more",
        remedy: "Uncordon n1 or n10 or n100, or add a node.",
      },
    ]);
  });

  it("takes no name that every object has for a label", () => {
    const stage = threeNodes();
    stage.place("web", 1, { constraints: [{ operator: "exists", key: "node.labels.constructor" }] });
    expect(stage.rejections()).toMatchObject([{ filter: "constraints" }]);
  });

  it("explains every one of many requests alike", () => {
    const stage = threeNodes();
    stage.place("web", 500, { memoryReservedBytes: 2_048 * MEBIBYTE });
    expect(stage.state.pending).toHaveLength(500);
    expect(new Set(stage.state.pending.map(({ rejections }) => JSON.stringify(rejections))).size).toBe(1);
  });

  it("says so when there is no node at all", () => {
    const stage = new Stage();
    stage.place("web", 1);
    expect(stage.rejections()).toMatchObject([{ filter: "ready", reason: "there is no node" }]);
  });

  it("names who holds the port", () => {
    const stage = threeNodes();
    const hostPorts = [{ port: 8080, protocol: "tcp" as const }];
    stage.place("web", 3, { hostPorts });
    stage.place("api", 1, { hostPorts });
    expect(stage.rejections()).toMatchObject([
      { filter: "host-ports", reason: expect.stringContaining("port 8080/tcp on n1 is held by web.1.1") as string },
    ]);
  });

  it("places what waits as soon as there is room, without being asked", () => {
    const stage = threeNodes();
    const hostPorts = [{ port: 8080, protocol: "tcp" as const }];
    stage.place("web", 3, { hostPorts });
    stage.place("api", 1, { hostPorts });
    stage.tell({ kind: "release", placementIds: ["web.2.2"] });
    expect(stage.nodesOf("api")).toEqual(["n2"]);
    expect(stage.state.pending).toEqual([]);
  });

  it("tells a deployment again only when the reasons have changed", () => {
    const stage = new Stage();
    stage.place("web", 1);
    stage.node("n1", { readiness: "cordoned" });
    stage.node("n1", { readiness: "cordoned" });
    expect(stage.answers.filter(({ kind }) => kind === "pending")).toHaveLength(2);
  });
});

describe("bookings", () => {
  it("of a node that is removed are free, and what waited is placed when it joins anew", () => {
    const stage = threeNodes([{}]);
    stage.place("web", 1, { memoryReservedBytes: 600 * MEBIBYTE });
    stage.node("n1", { readiness: "unreachable" });
    stage.place("db", 1, { memoryReservedBytes: 600 * MEBIBYTE });
    stage.tell({ kind: "node-removed", name: "n1" });
    expect(stage.state.reservations).toEqual([]);
    expect(stage.rejections()).toMatchObject([{ reason: "there is no node" }]);
    stage.node("n1");
    expect(stage.nodesOf("db")).toEqual(["n1"]);
  });

  it("never exceed a node nor give a port twice, in any order of requests and releases", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("place" as const),
        memory: fc.integer({ min: 0, max: 600 }),
        port: fc.option(fc.integer({ min: 1, max: 3 })),
        count: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({ kind: fc.constant("release" as const), pick: fc.nat() }),
      fc.record({
        kind: fc.constant("cordon" as const),
        node: fc.integer({ min: 1, max: 3 }),
        readiness: fc.constantFrom("ready" as const, "cordoned" as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const stage = threeNodes();
        let placed = 0;
        for (const each of steps) {
          if (each.kind === "place") {
            const requirements: Requirements = {
              cpuReservedMillis: 0,
              memoryReservedBytes: each.memory * MEBIBYTE,
              hostPorts: each.port === null ? [] : [{ port: each.port, protocol: "tcp" }],
              constraints: [],
              platforms: [],
            };
            stage.tell({
              kind: "place",
              deployment: "web",
              requests: Array.from({ length: each.count }, (_, index) => ({
                placementId: `web.${index}.${placed++}`,
                slot: index,
                requirements,
                avoid: [],
              })),
            });
          } else if (each.kind === "release") {
            const ids = stage.state.reservations.map(({ placementId }) => placementId);
            const id = ids[each.pick % Math.max(1, ids.length)];
            if (id !== undefined) stage.tell({ kind: "release", placementIds: [id] });
          } else {
            stage.node(`n${each.node}`, { readiness: each.readiness });
          }
          for (const node of ["n1", "n2", "n3"]) {
            const here = stage.state.reservations.filter((reservation) => reservation.node === node);
            expect(here.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)).toBeLessThanOrEqual(1_024 * MEBIBYTE);
            const ports = here.flatMap(({ hostPorts }) => hostPorts.map(({ port }) => port));
            expect(new Set(ports).size).toBe(ports.length);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
