import { expect, test } from "vitest";
import { budgetOf } from "../../../actors/deployment/budget.ts";
import { paceFindings } from "../../../actors/deployment/pace-findings.ts";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";

const image = { reference: "a:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" } as const;
const budget = (template: object): ReturnType<typeof budgetOf> => budgetOf(PinnedTemplate.parse({ image, ...template }), 4);
const data = { kind: "volume", name: "data", target: "/data" };

test("a new replica comes before the old one goes, unless both would write to one volume", () => {
  expect(budget({})).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  expect(budget({ mounts: [{ ...data, readOnly: true }] })).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  expect(budget({ mounts: [data] })).toEqual({ maxSurge: 0, maxUnavailable: 1 });
});

test("who says how many, is believed", () => {
  expect(budget({ mounts: [data], rollout: { maxSurge: 2 } })).toEqual({ maxSurge: 2, maxUnavailable: 1 });
  expect(budget({ mounts: [data], rollout: { maxSurge: 1, maxUnavailable: 0 } })).toEqual({ maxSurge: 1, maxUnavailable: 0 });
});

test("a plan says so when an update cannot be over before its deadline, because of its pauses", () => {
  const findings = (rollout: object, replicas = 8): readonly string[] => paceFindings(PinnedTemplate.parse({ image, rollout }), replicas);
  expect(findings({ delayMs: 600_000 })).toEqual([expect.stringMatching(/^An update takes 70m at least, .* fails after 60m: give it/)]);
  expect(findings({ delayMs: 600_000, maxSurge: 2 })).toEqual([]);
  expect(findings({ delayMs: 600_000 }, 2)).toEqual([]);
  expect(findings({})).toEqual([]);
});
