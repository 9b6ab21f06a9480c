import { expect, test } from "vitest";
import { merge, TemplatePatch } from "../../../actors/deployment/change.ts";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { desiredContainer } from "../../../agent/desired-container.ts";
import { templateOf } from "./stage.ts";

test("a variable's name may not hold a =, which would set another variable", () => {
  expect(DeploymentSpec.safeParse({ image: "app:1", environment: { "PATH=/evil:": "" } }).success).toBe(false);
  expect(TemplatePatch.safeParse({ environment: { "PATH=/evil:": "" } }).success).toBe(false);
});

test("names that every object has are variables and labels like others", () => {
  const given = JSON.parse('{ "image": "app:1", "environment": { "constructor": "1" }, "labels": { "toString": "2" } }') as unknown;
  const { environment, labels } = DeploymentSpec.parse(given);
  expect(Object.entries({ ...environment, ...labels })).toEqual([
    ["constructor", "1"],
    ["toString", "2"],
  ]);
  const merged = merge(templateOf("1"), { environment: { constructor: "1" } }, undefined);
  expect(merged).toMatchObject({ kind: "merged", template: { environment: { constructor: "1" } } });
});

test("a name that would change what an object is does nothing at all", () => {
  const given = JSON.parse('{ "image": "app:1", "environment": { "__proto__": "1", "A": "2" } }') as unknown;
  const parsed = DeploymentSpec.safeParse(given);
  expect(Object.getPrototypeOf(parsed.data?.environment ?? {})).toBe(Object.prototype);
  expect(Object.keys(parsed.data?.environment ?? { A: "" })).toEqual(["A"]);
});

test("a person's labels never hide ours", () => {
  const template = templateOf("1", { labels: { "dev.odysseus.deployment": "other", team: "shop" } });
  const placement = { placementId: "web.1.1", deployment: "web", slot: 1, revision: 1, template, desired: "running" } as const;
  const { labels } = desiredContainer(
    placement,
    1,
    { tenant: "acme", node: "n1", address: "192.0.2.1", epoch: 1, generation: 1 },
    { endpoints: [], filePaths: [] },
  );
  expect(labels).toMatchObject({ "dev.odysseus.deployment": "web", team: "shop" });
});

test.each([
  "nginx",
  "nginx:1.27",
  "team/app_one:1.2-rc.1",
  "registry.example:5000/team/app:1",
  "LOCALHOST/app",
  `nginx@sha256:${"a".repeat(64)}`,
])("%s is an image", (image) => {
  expect(DeploymentSpec.safeParse({ image }).success).toBe(true);
});

test.each(["", "a b", "Nginx", "nginx:", "https://nginx", "nginx:1.27 ", "-nginx", "nginx@sha256:1"])(
  "%j is no image, and it is said how one is written",
  (image) => {
    const parsed = DeploymentSpec.safeParse({ image });
    expect(parsed.error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining("write an image like nginx:1.27")]);
  },
);

test("a change of one rule for the way back leaves the others as they are", () => {
  const paced = merge(templateOf("1"), { rollout: { rollback: { maxSurge: 0, maxUnavailable: 2 } } }, undefined);
  if (paced.kind === "invalid") throw new Error(paced.problems.join());
  const merged = merge(paced.template, { rollout: { rollback: { delayMs: 5_000 } } }, undefined);
  expect(merged).toMatchObject({ template: { rollout: { rollback: { maxSurge: 0, maxUnavailable: 2, delayMs: 5_000 } } } });
  expect(merge(paced.template, { rollout: { rollback: null } }, undefined)).not.toHaveProperty("template.rollout.rollback");
});
