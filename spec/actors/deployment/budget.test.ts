import { expect, test } from "vitest";
import { budgetOf } from "../../../actors/deployment/budget.ts";
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
