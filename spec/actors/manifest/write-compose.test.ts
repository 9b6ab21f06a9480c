import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { type StackToWrite, writeCompose } from "../../../actors/manifest/write-compose.ts";
import { composeFixtures, describeComposeFixtures } from "../../support/compose-fixtures.ts";

/** What reading the file gives back, with every default filled in. */
function readBack(text: string): StackToWrite {
  const { name, onFailure, services, findings } = readProject({ manifests: [{ file: "compose.yaml", text }] });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  return {
    name,
    onFailure: onFailure ?? "rollback",
    services: services.map(({ name: service, spec, after }) => ({ service, after, spec: DeploymentSpec.parse(spec) })),
  };
}

const spec = (fields: object): DeploymentSpec => DeploymentSpec.parse({ image: "shop/web:1", ...fields });
const alone = (fields: object): StackToWrite => ({
  name: "web",
  onFailure: "rollback",
  services: [{ service: "web", spec: spec(fields), after: [] }],
});

describe("a Compose file that is written", () => {
  test("says in Compose's words what Compose has words for", () => {
    const text = writeCompose({
      name: "shop",
      onFailure: "pause",
      services: [
        { service: "db", spec: spec({ image: "db:1" }), after: [] },
        {
          service: "web",
          after: [{ service: "db", condition: "healthy" }],
          spec: spec({
            command: ["run", "$HOME"],
            environment: { PRICE: "$5" },
            ports: [{ containerPort: 80, publishedPort: 8080 }],
            replicas: 2,
            resources: { memoryLimitBytes: 67_108_864 },
            constraints: [{ key: "zone", operator: "==", value: "eu" }],
            rollout: { minHealthyMs: 1_000 },
          }),
        },
      ],
    });
    expect(text).toContain("name: shop\n");
    expect(text).toContain("PRICE: $$5");
    expect(text).toContain("condition: service_healthy");
    expect(text).toContain("- node.labels.zone == eu");
    expect(text).toMatch(/x-odysseus:\n {6}rollout:\n {8}minHealthyMs: 1000/);
    expect(text).toMatch(/\nx-odysseus:\n {2}onFailure: pause\n$/);
    expect(text).not.toContain("stop_signal");
  });

  test("says the rest under x-odysseus", () => {
    const text = writeCompose(alone({ health: { kind: "http", path: "/healthz" }, constraints: [{ key: "ssd", operator: "exists" }] }));
    expect(text).toMatch(/x-odysseus:\n {6}health:\n {8}kind: http/);
    expect(text).toMatch(/constraints:\n {8}- operator: exists/);
  });

  test("is read back as exactly what was written, whatever it is", () => {
    const word = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 12 });
    const text = fc.oneof(
      word,
      fc.constantFrom("$HOME", "${X:-y}", "1.10", "yes", "null", " padded ", "a: b # c", "line\nbreak", "'\"", "0x1f"),
    );
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
    const port = fc.record(
      {
        containerPort: fc.integer({ min: 1, max: 65_535 }),
        publishedPort: fc.integer({ min: 1, max: 19_999 }),
        protocol: fc.constantFrom("tcp", "udp"),
      },
      { requiredKeys: ["containerPort", "protocol"] },
    );
    const times = {
      intervalMs: fc.integer({ min: 100, max: 60_000 }),
      timeoutMs: fc.integer({ min: 50, max: 5_000 }),
      successes: fc.integer({ min: 1, max: 2 }),
    };
    const specs = fc.record(
      {
        command: fc.array(text, { maxLength: 3 }),
        entrypoint: fc.array(text, { maxLength: 2 }),
        environment: fc.dictionary(name, text, { maxKeys: 4 }),
        labels: fc.dictionary(name, text, { maxKeys: 2 }),
        ports: fc.uniqueArray(port, { maxLength: 3, selector: ({ containerPort, protocol }) => `${containerPort}/${protocol}` }),
        health: fc.oneof(
          fc.record({ kind: fc.constant("command"), command: fc.array(text, { minLength: 1, maxLength: 3 }), ...times }),
          fc.record({ kind: fc.constant("http"), path: fc.constant("/$x"), ...times }),
          fc.record({ kind: fc.constant("tcp"), ...times }),
        ),
        resources: fc.record(
          {
            cpuLimitMillis: fc.integer({ min: 1, max: 9_999 }),
            memoryLimitBytes: fc.integer({ min: 6_291_456, max: 2 ** 40 }),
            memoryReservedBytes: fc.integer({ min: 0, max: 2 ** 40 }),
          },
          { requiredKeys: [] },
        ),
        constraints: fc.array(
          fc.oneof(
            fc.record({
              operator: fc.constantFrom("==", "!="),
              key: fc.constantFrom("zone", "node.hostname", "node.labels.x"),
              value: text,
            }),
            fc.record({ operator: fc.constant("in"), key: name, values: fc.array(text, { minLength: 1, maxLength: 2 }) }),
          ),
          { maxLength: 2 },
        ),
        user: text,
        stopSignal: fc.constantFrom("SIGINT", "SIGTERM"),
        stopGraceMs: fc.integer({ min: 0, max: 100_000 }),
        drainMs: fc.integer({ min: 0, max: 30_000 }),
        readOnlyRoot: fc.boolean(),
        capAdd: fc.array(fc.constantFrom("NET_ADMIN", "ALL"), { maxLength: 2 }),
        tmpfs: fc.array(fc.constantFrom({ target: "/tmp" }, { target: "/run", options: "size=64m" }), { maxLength: 2 }),
        rollout: fc.record({ minHealthyMs: fc.nat(10_000), maxSurge: fc.constantFrom(0, 2, "25%") }, { requiredKeys: [] }),
        replicas: fc.nat(9),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(specs, fc.constantFrom("rollback" as const, "pause" as const), (fields, onFailure) => {
        const parsed = DeploymentSpec.safeParse({ image: "shop/web:1", ...fields });
        fc.pre(parsed.success);
        const whole: StackToWrite = {
          name: "shop",
          onFailure,
          services: [
            { service: "db", spec: spec({}), after: [] },
            { service: "web", spec: parsed.data, after: [{ service: "db", condition: "started" }] },
          ],
        };
        expect(readBack(writeCompose(whole))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });
});

describeComposeFixtures("Compose files of other projects that can be planned", () => {
  const files = ["templates", "stacks"].flatMap((folder) => readdirSync(join(composeFixtures, folder)).map((name) => join(folder, name)));

  test("are the same after they were written anew", () => {
    let seen = 0;
    for (const file of files) {
      const { services, ...stack } = readProject({ manifests: [{ file, text: readFileSync(join(composeFixtures, file), "utf8") }] });
      if (services.length === 0) continue;
      seen += 1;
      const whole: StackToWrite = {
        name: stack.name,
        onFailure: stack.onFailure ?? "rollback",
        services: services.map(({ name: service, spec, after }) => ({ service, after, spec: DeploymentSpec.parse(spec) })),
      };
      expect(readBack(writeCompose(whole))).toEqual(whole);
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe("x-odysseus", () => {
  const read = (service: string, top = ""): ReturnType<typeof readProject> =>
    readProject({ manifests: [{ file: "c.yaml", text: `${top}services:\n  web:\n    image: a\n${service}` }] });

  test("takes the place of what Compose says; policies field by field", () => {
    const { services, onFailure } = read(
      "    deploy: {update_config: {failure_action: pause}}\n    x-odysseus: {drainMs: 1000, rollout: {minHealthyMs: 1}, health: {kind: tcp, port: 80}}\n",
      "x-odysseus: {onFailure: pause}\n",
    );
    expect(services[0]?.spec).toMatchObject({
      drainMs: 1_000,
      rollout: { onFailure: "pause", minHealthyMs: 1 },
      health: { kind: "tcp", port: 80 },
    });
    expect(onFailure).toBe("pause");
  });

  test.each([
    ["    x-odysseus: {drainsMs: 1}\n", "c.yaml:4:18", /There is no field "drainsMs" here.*did you mean drainMs/],
    ["    x-odysseus:\n      drainMs: soon\n", "c.yaml:5:7", /expected number/i],
    ["    x-odysseus: {rollout: {minHealthy: 1}}\n", "c.yaml:4:18", /Unrecognized key/],
    ["    x-odysseus: 7\n", "c.yaml:4:5", /Expected a mapping/],
  ])("is refused at its place: %s", (text, at, expected) => {
    const [finding] = read(text).findings;
    expect(`${finding?.file}:${finding?.line}:${finding?.column}`).toBe(at);
    expect(`${finding?.message} ${finding?.instead ?? ""}`).toMatch(expected);
  });
});
