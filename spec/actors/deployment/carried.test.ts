import { expect, it } from "vitest";
import { replacingFields } from "../../../actors/deployment/carried.ts";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { imageOf, templateOf } from "./stage.ts";

const web = {
  ports: [
    { containerPort: 80, publishedPort: 8080 },
    { containerPort: 9000, publishedPort: 9000, mode: "host" },
    { containerPort: 53, protocol: "udp" },
  ],
  routes: [{ host: "shop.example.com" }],
};

function replacing(change: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>> = web): readonly string[] {
  return replacingFields(templateOf("1", before), templateOf("1", { ...before, ...change }));
}

it.each([
  ["a further host name", { routes: [{ host: "shop.example.com" }, { host: "www.example.com", containerPort: 80 }] }],
  [
    "another path, TLS and options of a route",
    { routes: [{ host: "shop.example.com", path: "/a", tls: "off", options: { compress: true } }] },
  ],
  ["no route where a published port leads to the same port", { routes: [] }],
  [
    "another published port and what is spoken there",
    { ports: [{ ...web.ports[0], publishedPort: 8081, appProtocol: "http" }, ...web.ports.slice(1)] },
  ],
  ["the time to drain", { drainMs: 1 }],
  ["what becomes of those on a lost node", { partition: "wait" }],
  ["labels of the deployment", { deploymentLabels: { team: "shop" } }],
  ["the rollout policy", { rollout: { maxSurge: 2, delayMs: 5_000, onFailure: "pause", rollback: { maxSurge: 3 } } }],
])("replicas can take on %s", (_what, change) => {
  expect(replacing(change)).toEqual([]);
});

it.each([
  [
    "a route to a port of the containers that nothing led to",
    { routes: [{ host: "shop.example.com", containerPort: 8081 }] },
    ["reachable container ports"],
  ],
  [
    "the first publication of a port",
    { ports: [...web.ports.slice(0, 2), { ...web.ports[2], publishedPort: 5353 }] },
    ["reachable container ports"],
  ],
  ["a port of their node", { ports: [web.ports[0], { ...web.ports[1], publishedPort: 9001 }, web.ports[2]] }, ["ports"]],
  [
    "another order of ports, of which the first is probed",
    { ports: web.ports.toReversed(), routes: [{ host: "shop.example.com", containerPort: 80 }] },
    ["ports"],
  ],
  ["a label of the containers", { labels: { team: "shop" } }, ["labels"]],
  ["the grace to stop in", { stopGraceMs: 1 }, ["stopGraceMs"]],
  ["where they may be", { constraints: [{ operator: "==", key: "zone", value: "a" }], together: "shop" }, ["constraints", "together"]],
  ["an image, among other things", { image: imageOf("2"), drainMs: 1, environment: { A: "1", B: "2" } }, ["environment", "image"]],
])("replicas cannot take on %s", (_what, change, fields) => {
  expect(replacing(change)).toEqual(fields);
});

it("replicas that nobody reaches can take on any route", () => {
  expect(replacing({ routes: [{ host: "a.example.com" }] }, { ports: [{ containerPort: 80 }], namespaces: { network: "none" } })).toEqual(
    [],
  );
});

it("every field of a template is carried, unless it is known to be none that is", () => {
  const others = Object.keys(PinnedTemplate.shape).filter((field) => {
    const other = field === "ports" || field === "routes" ? [{ containerPort: 1, host: "a.example.com" }] : "something else";
    return replacingFields(templateOf("1"), { ...templateOf("1"), [field]: other }).length === 0;
  });
  expect(others).toEqual(["drainMs", "partition", "deploymentLabels", "rollout"]);
});
