import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HEARTBEAT_UNKNOWN_AFTER_MS } from "../../../actors/node/contract.ts";
import { nodeStatus } from "../../../actors/node/status.ts";
import { ageText } from "../../../runtime/age-text.ts";

const NOW_MS = 1_000_000;
const joined = { connection: "joined", connectionSinceMs: 0, engine: "reachable", degraded: [] } as const;
const heard = (agoMs: number): { readonly lastHeardAtMs: number } => ({ lastHeardAtMs: NOW_MS - agoMs });

test("a node that was heard of lately is healthy, and says when", () => {
  expect(nodeStatus(joined, heard(3_000), NOW_MS)).toEqual({ status: "healthy", reason: "heard of 3s ago" });
});

test("a node below what is supported is degraded, with every reason", () => {
  const old = { ...joined, degraded: ["its engine 20.10 is older than 24", "no cgroup v2"] };
  expect(nodeStatus(old, heard(0), NOW_MS)).toEqual({ status: "degraded", reason: "its engine 20.10 is older than 24; no cgroup v2" });
  expect(nodeStatus({ ...joined, engine: "unreachable" }, heard(0), NOW_MS).status).toBe("degraded");
});

test("a node whose agent does not use its engine is degraded, with why and what to do", () => {
  const engineRefusal = "it is node n1's, and an engine serves one node: use another engine";
  expect(nodeStatus({ ...joined, engine: "unreachable", engineRefusal }, heard(0), NOW_MS)).toEqual({
    status: "degraded",
    reason: `its agent does not use its container engine: ${engineRefusal}`,
  });
});

test("a node that cannot be given its work is degraded, with the reason", () => {
  const soft = { ...heard(0), assignmentProblem: "its agent cannot keep its assignment: the disk is full" };
  expect(nodeStatus(joined, soft, NOW_MS)).toEqual({ status: "degraded", reason: soft.assignmentProblem });
});

test("a lost node is unreachable, even when it was just heard of", () => {
  expect(nodeStatus({ ...joined, connection: "lost", connectionSinceMs: NOW_MS - 60_000 }, heard(0), NOW_MS)).toMatchObject({
    status: "unreachable",
  });
});

test("a node nobody heard of since the start is unknown", () => {
  for (const soft of [undefined, { lastHeardAtMs: undefined }]) expect(nodeStatus(joined, soft, NOW_MS).status).toBe("unknown");
});

test("a silent node is never healthy nor merely degraded, whatever it said last", () => {
  const facts = fc.record({
    connection: fc.constantFrom("joined" as const, "lost" as const),
    connectionSinceMs: fc.nat(NOW_MS),
    engine: fc.constantFrom("reachable" as const, "unreachable" as const),
    degraded: fc.array(fc.string(), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(facts, fc.integer({ min: HEARTBEAT_UNKNOWN_AFTER_MS + 1, max: NOW_MS }), (row, silentMs) => {
      expect(["unknown", "unreachable"]).toContain(nodeStatus(row, heard(silentMs), NOW_MS).status);
    }),
  );
});

test("ages are short words, also when the clock was set back", () => {
  expect([-5_000, 12_000, 300_000, 7_300_000, 200_000_000].map(ageText)).toEqual(["0s", "12s", "5m", "2h", "2d"]);
});
