import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
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
    expect(text).toContain("monitor: 1s");
    expect(text).toMatch(/\nx-odysseus:\n {2}onFailure: pause\n$/);
    expect(text).not.toContain("stop_signal");
  });

  test("names volumes, networks and configs as other tools do, and defines them", () => {
    const text = writeCompose({
      name: "shop",
      onFailure: "rollback",
      services: [
        {
          service: "db",
          after: [],
          spec: spec({
            networks: [{ name: "shop_default", aliases: ["db"] }],
            together: "shop",
            mounts: [
              { kind: "volume", name: "shop_data", target: "/data" },
              { kind: "bind", source: "/srv", target: "/srv", readOnly: true },
            ],
          }),
        },
        {
          service: "web",
          after: [],
          spec: spec({
            networks: [
              { name: "shop_default", aliases: ["web"] },
              { name: "edge", aliases: ["web", "www"], external: true },
            ],
            together: "shop",
            files: [{ kind: "secret", name: "shop_key", target: "/run/secrets/key", mode: 0o400, version: "0".repeat(32) }],
          }),
        },
      ],
    });
    expect(parse(text)).toEqual({
      name: "shop",
      services: {
        db: {
          image: "shop/web:1",
          restart: "always",
          volumes: [
            { type: "volume", source: "data", target: "/data" },
            { type: "bind", source: "/srv", target: "/srv", read_only: true, bind: { create_host_path: false } },
          ],
        },
        web: {
          image: "shop/web:1",
          restart: "always",
          networks: { default: {}, edge: { aliases: ["www"] } },
          secrets: [{ source: "key", target: "/run/secrets/key", mode: "0400" }],
          "x-odysseus": {
            files: [{ kind: "secret", name: "shop_key", target: "/run/secrets/key", mode: 0o400, version: "0".repeat(32) }],
          },
        },
      },
      volumes: { data: { name: "shop_data" } },
      networks: { default: { name: "shop_default" }, edge: { name: "edge", external: true } },
      secrets: { key: { name: "shop_key", external: true } },
    });
  });

  test("says that a service is on every node", () => {
    expect(writeCompose(alone({ mode: "global" }))).toMatch(/\n {4}deploy:\n {6}mode: global\n/);
    const job = alone({ mode: "global", run: "job", restart: { condition: "none" } });
    expect(writeCompose(job)).toContain("mode: global-job");
    expect(readBack(writeCompose(job))).toEqual(job);
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
    const names = fc.constantFrom("shop_data", "shop_x.y", "data", "other", "x-files", "1");
    const mount = fc.oneof(
      fc.record(
        {
          kind: fc.constant("volume"),
          name: names,
          target: fc.constantFrom("/data", "/a b", "/$x"),
          readOnly: fc.boolean(),
          noCopy: fc.constant(true),
          subpath: fc.constant("in/it"),
          driverOptions: fc.constantFrom({ type: "nfs", device: ":/x" }, { type: "tmpfs" }),
          labels: fc.dictionary(name, text, { maxKeys: 1 }),
          external: fc.boolean(),
        },
        { requiredKeys: ["kind", "name", "target"] },
      ),
      fc.record({ kind: fc.constant("anonymous"), target: fc.constant("/anonymous") }),
      fc.record(
        {
          kind: fc.constant("bind"),
          source: fc.constantFrom("/srv", "/srv/../etc"),
          target: fc.constant("/bind"),
          propagation: fc.constantFrom("rslave", "shared"),
          shallow: fc.constant(true),
          createSource: fc.boolean(),
        },
        { requiredKeys: ["kind", "source", "target"] },
      ),
    );
    const network = fc.record(
      {
        name: fc.constantFrom("shop_default", "shop_back", "edge", "default"),
        aliases: fc.subarray(["web", "www", "api.local"]),
        internal: fc.boolean(),
        external: fc.boolean(),
        driverOptions: fc.constant({ "com.docker.network.driver.mtu": "1400" }),
      },
      { requiredKeys: ["name"] },
    );
    const hook = fc.record(
      { command: fc.array(text, { minLength: 1, maxLength: 2 }), user: word, environment: fc.dictionary(name, text, { maxKeys: 1 }) },
      { requiredKeys: ["command"] },
    );
    const further = {
      mounts: fc.uniqueArray(mount, { maxLength: 3, selector: ({ target }) => target }),
      networks: fc.uniqueArray(network, { maxLength: 2, selector: (item) => item.name }),
      together: fc.constantFrom("shop", "others"),
      files: fc.uniqueArray(
        fc.record({
          kind: fc.constantFrom("config", "secret", "folder"),
          name: names,
          target: fc.constantFrom("/run/secrets/a", "/etc/$b"),
          version: fc.constant("0".repeat(32)),
        }),
        { maxLength: 2, selector: ({ target }) => target },
      ),
      run: fc.constantFrom("service", "job"),
      restart: fc.record(
        {
          condition: fc.constantFrom("any", "on-failure", "none"),
          maxAttempts: fc.nat(5),
          delayMs: fc.nat(9_000),
          windowMs: fc.nat(9_000),
        },
        { requiredKeys: [] },
      ),
      dns: fc.record({ servers: fc.constant(["10.0.0.1"]), search: fc.constant(["a.b"]) }, { requiredKeys: [] }),
      logging: fc.record(
        {
          driver: fc.constantFrom("local", "json-file"),
          maxFileBytes: fc.integer({ min: 1_024, max: 2 ** 20 }),
          bufferBytes: fc.constant(4_096),
        },
        { requiredKeys: [] },
      ),
      namespaces: fc.record(
        { network: fc.constantFrom("none", "host"), pid: fc.constant("host"), users: fc.constant("host") },
        { requiredKeys: [] },
      ),
      devices: fc.array(
        fc.record(
          { source: fc.constant("/dev/snd"), target: fc.constant("/dev/a"), permissions: fc.constantFrom("r", "rwm") },
          { requiredKeys: ["source"] },
        ),
        { maxLength: 2 },
      ),
      gpus: fc.array(fc.record({ count: fc.integer({ min: -1, max: 2 }), ids: fc.constant(["0"]) }, { requiredKeys: [] }), {
        maxLength: 1,
      }),
      ulimits: fc.constantFrom({ nofile: { soft: 1, hard: 1 } }, { nproc: { soft: 1, hard: 2 } }),
      postStart: fc.array(hook, { maxLength: 2 }),
      preStop: fc.array(hook, { maxLength: 2 }),
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
            pidsLimit: fc.integer({ min: 1, max: 9 }),
            cpuShares: fc.integer({ min: 2, max: 9 }),
            cpuset: fc.constant("0-3"),
            shmSizeBytes: fc.integer({ min: 1, max: 9 }),
            oomScoreAdjust: fc.integer({ min: -9, max: 9 }),
            blockWeight: fc.integer({ min: 10, max: 99 }),
            memorySwapLimitBytes: fc.constant(-1),
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
        maxReplicasPerNode: fc.constantFrom(0, 1, 3),
        partition: fc.constantFrom("replace", "wait"),
        pull: fc.constant("never"),
        user: text,
        stopSignal: fc.constantFrom("SIGINT", "SIGTERM"),
        stopGraceMs: fc.integer({ min: 0, max: 100_000 }),
        drainMs: fc.integer({ min: 0, max: 30_000 }),
        readOnlyRoot: fc.boolean(),
        capAdd: fc.array(fc.constantFrom("NET_ADMIN", "ALL"), { maxLength: 2 }),
        tmpfs: fc.array(fc.constantFrom({ target: "/tmp" }, { target: "/run", options: "size=64m" }), { maxLength: 2 }),
        rollout: fc.record(
          {
            minHealthyMs: fc.nat(10_000),
            delayMs: fc.constantFrom(0, 1_500, 60_000),
            maxSurge: fc.constantFrom(0, 2, "25%"),
            maxUnavailable: fc.constantFrom(0, 1, "100%"),
            onFailure: fc.constantFrom("rollback", "pause"),
            rollback: fc.record(
              { maxSurge: fc.constantFrom(0, 1, "25%"), maxUnavailable: fc.constantFrom(0, 2, "100%"), delayMs: fc.constantFrom(0, 2_000) },
              { requiredKeys: [] },
            ),
            startDeadlineMs: fc.constantFrom(60_000, 90_000),
          },
          { requiredKeys: [] },
        ),
        replicas: fc.nat(9),
        ...further,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(specs, fc.constantFrom("rollback" as const, "pause" as const), fc.boolean(), (fields, onFailure, isRestarted) => {
        const parsed = DeploymentSpec.safeParse({ image: "shop/web:1", ...fields });
        fc.pre(parsed.success);
        // Reading takes away ports that nobody could reach.
        fc.pre(
          parsed.data.namespaces?.network === undefined || parsed.data.ports.every(({ publishedPort }) => publishedPort === undefined),
        );
        const whole: StackToWrite = {
          name: "shop",
          onFailure,
          services: [
            { service: "db", spec: spec({}), after: [] },
            { service: "web", spec: parsed.data, after: [{ service: "db", condition: "started", ...(isRestarted && { restart: true }) }] },
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
