import { expect, test } from "vitest";
import type { DeploymentSpecInput } from "../../../actors/deployment/contract.ts";
import { readCompose } from "../../../actors/manifest/read-compose.ts";

const readWeb = (fields: string) => readCompose(`services:\n  web:\n    image: nginx:1\n${fields.replaceAll(/^/gm, "    ")}`);

function specOf(fields: string): DeploymentSpecInput | undefined {
  const { services, findings } = readWeb(fields);
  expect(findings.filter((finding) => finding.severity === "error")).toEqual([]);
  return services[0]?.spec;
}

test("order and parallelism become how many replicas may be too many or missing", () => {
  const rollout = (update: string): unknown => specOf(`deploy: {update_config: {${update}}}`)?.rollout;
  expect(rollout("parallelism: 2, order: start-first, failure_action: pause")).toEqual({
    maxSurge: 2,
    maxUnavailable: 0,
    onFailure: "pause",
  });
  expect(rollout("parallelism: 2, order: stop-first, failure_action: rollback")).toEqual({
    maxSurge: 0,
    maxUnavailable: 2,
    onFailure: "rollback",
  });
  expect(rollout("parallelism: 0, order: start-first, failure_action: rollback")).toMatchObject({ maxSurge: "100%" });
  expect(rollout("monitor: 15s, failure_action: rollback, delay: 1m")).toEqual({
    minHealthyMs: 15_000,
    delayMs: 60_000,
    onFailure: "rollback",
  });
});

test("rollback_config holds on the way back, in whatever order the two are written", () => {
  const back = "rollback_config: {parallelism: 0, order: stop-first, delay: 2s, failure_action: pause, monitor: 3s}";
  const there = "update_config: {failure_action: pause}";
  const rollback = { maxSurge: 0, maxUnavailable: "100%", delayMs: 2_000 };
  for (const deploy of [`${back}, ${there}`, `${there}, ${back}`])
    expect(specOf(`deploy: {${deploy}}`)).toMatchObject({ rollout: { onFailure: "pause", rollback } });
  expect(specOf("deploy: {rollback_config: {failure_action: pause}}")).not.toHaveProperty("rollout.rollback");
});

test.each([
  ["ports: [{target: 80, published: 8080, mode: host}]", 0],
  ["ports: ['127.0.0.1:8080:80']", 0],
  ["ports: ['8080:80']", 2],
  ["volumes: [data:/data]", 0],
  ["volumes: [data:/data:ro]", 2],
])("without an order, none starts beside one that it would be at odds with: %s", (fields, maxSurge) => {
  const spec = specOf(`${fields}\ndeploy: {update_config: {parallelism: 2, failure_action: pause}}`);
  expect(spec?.rollout).toMatchObject({ maxSurge, maxUnavailable: 2 - maxSurge });
});

test.each([
  ["ports: [{target: 80, published: 80, mode: host}]", /a new one needs a node where the old one is not/],
  ["volumes: [data:/data]", /writes to the volume while the old one still does/],
  ["ports: ['8080:80']", undefined],
])("an order that brings two of them at odds is said to: %s", (fields, warning) => {
  const { findings } = readWeb(`${fields}\ndeploy: {update_config: {order: start-first, failure_action: pause}}`);
  const messages = findings.filter(({ path }) => path.endsWith(".order")).map(({ message }) => message);
  expect(messages).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
});

test("a failed rollout neither goes on nor tolerates a replica, whatever Swarm would do, and says so", () => {
  const there = "update_config: {failure_action: continue, max_failure_ratio: 0.2}";
  const back = "rollback_config: {max_failure_ratio: 0.3, parallelism: 2, order: stop-first}";
  const { services, findings } = readWeb(`deploy: {${there}, ${back}}`);
  expect(services[0]?.spec.rollout).toMatchObject({ onFailure: "pause", rollback: { maxUnavailable: 2 } });
  expect(findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`)).toEqual([
    expect.stringMatching(/^warning .*update_config\.failure_action: A rollout that failed stops where it is, as pause says/),
    expect.stringMatching(/^warning .*update_config\.max_failure_ratio: A single replica .* fails the rollout; Swarm would tolerate some/),
    expect.stringMatching(/^warning .*rollback_config\.max_failure_ratio: A single replica .* fails the rollout/),
  ]);
  expect(readWeb("deploy: {update_config: {failure_action: pause, max_failure_ratio: 0.0}}").findings).toEqual([]);
});
