import { assert, json, object, oneof, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { readCompose, readProject } from "../../../actors/manifest/read-compose.ts";
import { MAX_MANIFEST_BYTES } from "../../../actors/manifest/parse-yaml.ts";

const web = (fields: string): string => `services:\n  web:\n    image: nginx:1\n${fields.replaceAll(/^/gm, "    ")}`;
const specOf = (fields: string): unknown => {
  const { services, findings } = readCompose(web(fields));
  expect(findings.filter((finding) => finding.severity === "error")).toEqual([]);
  return services[0]?.spec;
};
const errorsOf = (text: string): readonly string[] =>
  readCompose(text)
    .findings.filter((finding) => finding.severity === "error")
    .map(
      ({ line, column, path, message, instead }) => `${line}:${column} ${path}: ${message}${instead === undefined ? "" : ` -> ${instead}`}`,
    );
const warningsOf = (fields: string): readonly string[] => readCompose(web(fields)).findings.map((finding) => finding.message);

describe("a manifest that is understood", () => {
  test("gives one deployment per service, with every field it names", () => {
    const { services, findings } = readCompose(`
services:
  web:
    image: registry.example/web:1.10
    command: httpd -f -p "80 80"
    entrypoint: ["/bin/run", "-x"]
    environment:
      VERSION: 1.10
      EMPTY: ""
      PRICE: 5$$
    ports: ["8080:80", "5353:53/udp"]
    labels: [team=shop, plain]
    user: "1000:1000"
    working_dir: /srv
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    deploy:
      replicas: 3
      resources: {limits: {cpus: "0.5", memory: 512M}, reservations: {cpus: 0.25, memory: 64mb}}
      placement: {constraints: ["node.labels.zone == eu", "node.hostname != old"]}
  worker:
    image: worker:2
    environment: [MODE=fast, QUERY=a=b]
`);
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/find each other by name on one node, so all their replicas run on one/),
      expect.stringMatching(/1\.10 is taken as it is written/),
    ]);
    expect(services).toEqual([
      {
        name: "web",
        spec: {
          image: "registry.example/web:1.10",
          command: ["httpd", "-f", "-p", "80 80"],
          entrypoint: ["/bin/run", "-x"],
          environment: { VERSION: "1.10", EMPTY: "", PRICE: "5$" },
          ports: [
            { containerPort: 80, publishedPort: 8080, protocol: "tcp" },
            { containerPort: 53, publishedPort: 5353, protocol: "udp" },
          ],
          labels: { team: "shop", plain: "" },
          user: "1000:1000",
          workingDirectory: "/srv",
          stopSignal: "SIGINT",
          stopGraceMs: 90_000,
          replicas: 3,
          resources: { cpuLimitMillis: 500, memoryLimitBytes: 536_870_912, cpuReservedMillis: 250, memoryReservedBytes: 67_108_864 },
          constraints: [
            { key: "zone", operator: "==", value: "eu" },
            { key: "node.hostname", operator: "!=", value: "old" },
          ],
          networks: [{ name: "project_default", aliases: ["web"] }],
          together: "project",
        },
        after: [],
      },
      {
        name: "worker",
        spec: {
          image: "worker:2",
          environment: { MODE: "fast", QUERY: "a=b" },
          networks: [{ name: "project_default", aliases: ["worker"] }],
          together: "project",
        },
        after: [],
      },
    ]);
  });

  test("may share parts by anchors and merges", () => {
    const { services, findings } = readCompose(`
x-common: &common
  environment: &env {LEVEL: info}
  stop_grace_period: 5s
services:
  a: {<<: *common, image: "a:1"}
  b:
    <<: *common
    image: b:1
    environment: {<<: *env, LEVEL: debug}
`);
    expect(findings.map(({ severity }) => severity)).toEqual(["warning"]);
    expect(services.map(({ spec }) => [spec.image, spec.environment, spec.stopGraceMs])).toEqual([
      ["a:1", { LEVEL: "info" }, 5_000],
      ["b:1", { LEVEL: "debug" }, 5_000],
    ]);
  });

  test.each([
    ['["CMD", "curl", "-f", "http://localhost/"]', ["curl", "-f", "http://localhost/"]],
    ['["CMD-SHELL", "test -f /ready || exit 1"]', ["/bin/sh", "-c", "test -f /ready || exit 1"]],
    ["test -f /ready", ["/bin/sh", "-c", "test -f /ready"]],
  ])("a health check %s runs in the container, with Compose's own times where none are given", (given, command) => {
    expect(specOf(`healthcheck: {test: ${given}}`)).toMatchObject({
      health: { kind: "command", command, intervalMs: 30_000, timeoutMs: 30_000, retries: 3 },
    });
  });

  test("a health check's own times are taken, and NONE or disable switch it off", () => {
    expect(specOf("healthcheck: {test: [CMD, x], interval: 2s, timeout: 500ms, retries: 5, start_period: 1m}")).toMatchObject({
      health: { intervalMs: 2_000, timeoutMs: 500, retries: 5, startPeriodMs: 60_000 },
    });
    expect(specOf("healthcheck: {test: [NONE]}")).toEqual({ image: "nginx:1" });
    expect(specOf("healthcheck: {disable: true}")).toEqual({ image: "nginx:1" });
  });

  test.each([
    ["['127.0.0.1:8080:80']", "127.0.0.1"],
    ["['localhost:8080:80']", "127.0.0.1"],
    ["['[::1]:8080:80']", "::1"],
    ["[{target: 80, published: 8080, host_ip: 127.0.0.1, mode: ingress}]", "127.0.0.1"],
  ])("a port of the machine itself is one of the node each replica runs on: %s", (given, address) => {
    expect(specOf(`ports: ${given}`)).toMatchObject({
      ports: [{ containerPort: 80, publishedPort: 8080, protocol: "tcp", mode: "host", address }],
    });
    expect(warningsOf(`ports: ${given}`)[0]).toMatch(/of the node that each replica runs on/);
  });

  test("a command line ends where a shell's operator stands, as with Compose, and that is told", () => {
    expect(specOf("command: serve 'a b' && stop")).toMatchObject({ command: ["serve", "a b"] });
    expect(warningsOf("command: serve && stop")).toEqual([
      'The command ends before "&& stop", as it does with Compose: no shell reads it.',
    ]);
  });

  test("of two mounts at one place the last one holds, and that is told", () => {
    expect(specOf("volumes: ['/a:/x', '/b:/x']")).toMatchObject({
      mounts: [{ kind: "bind", source: "/b", target: "/x", createSource: true }],
    });
    expect(warningsOf("volumes: ['/a:/x', '/b:/x']")).toContain(
      "Something is mounted at /x already; the last one holds, with Compose too.",
    );
  });

  test("ports in the long form mean the same as in the short one", () => {
    expect(
      specOf(
        "ports:\n  - target: 80\n    published: '8080'\n    protocol: tcp\n    mode: host\n  - {target: 81, published: 81, mode: ingress, app_protocol: http}\n  - {target: 53, published: 53, protocol: udp}",
      ),
    ).toMatchObject({
      ports: [
        { containerPort: 80, publishedPort: 8080, protocol: "tcp", mode: "host" },
        { containerPort: 81, publishedPort: 81, protocol: "tcp", mode: "balanced", appProtocol: "http" },
        { containerPort: 53, publishedPort: 53, protocol: "udp" },
      ],
    });
  });

  test.each([
    ["http", "http"],
    ["grpc", "grpc"],
    ["h2c", "grpc"],
    ["kubernetes.io/h2c", "grpc"],
    ["redis", "tcp"],
  ])("a port whose app_protocol is %s speaks %s", (written, spoken) => {
    expect(specOf(`ports: [{target: 81, published: 81, app_protocol: ${written}}]`)).toMatchObject({ ports: [{ appProtocol: spoken }] });
  });
});

describe("a word with more than one spelling", () => {
  test("a signal is named with or without its prefix, in any case, or by its number", () => {
    for (const signal of ["SIGINT", "INT", "sigint", "2"]) expect(specOf(`stop_signal: ${signal}`)).toMatchObject({ stopSignal: "SIGINT" });
  });

  test("a place in the container may end with a slash", () => {
    expect(specOf("volumes: ['/a:/x/', '/b:/x']")).toMatchObject({ mounts: [{ source: "/b", target: "/x" }] });
  });

  test("an empty name is none, as where a variable is not set", () => {
    expect(specOf("hostname: '${HOST:-}'\ndomainname: ''\nstop_signal: ''")).toEqual({ image: "nginx:1" });
    expect(specOf("hostname: my_host")).toMatchObject({ hostname: "my_host" });
  });
});

describe("labels", () => {
  test("of the containers and of the deployment are two things", () => {
    expect(specOf("labels: {a: b}\ndeploy: {labels: [team=shop, plain]}")).toMatchObject({
      labels: { a: "b" },
      deploymentLabels: { team: "shop", plain: "" },
    });
  });
});

test("an image that is never to be pulled is what nodes have; other ways to pull it are taken as what happens, and said", () => {
  const read = (policy: string): readonly unknown[] => {
    const { services, findings } = readCompose(web(`pull_policy: ${policy}`));
    return [services[0]?.spec.pull, ...findings.map(({ severity, message }) => `${severity}: ${message}`)];
  };
  expect(read("never")).toEqual(["never"]);
  for (const policy of ["missing", "if_not_present"]) expect(read(policy)).toEqual([undefined]);
  for (const policy of ["always", "refresh", "daily", "weekly", "every_12h"])
    expect(read(policy)).toEqual([
      undefined,
      expect.stringMatching(/^warning: An image stays what it was when the service first named it/),
    ]);
  expect(read("build")).toEqual([undefined, expect.stringMatching(/^warning: Nothing is built: the image is pulled/)]);
  expect(read("sometimes")).toEqual([undefined, expect.stringMatching(/^error: "sometimes" is not a way to pull/)]);
});

test("a service is on every node when its mode says so, and may end there", () => {
  const read = (fields: string): unknown => readCompose(web(fields)).services[0]?.spec;
  expect(read("deploy: {replicas: 4, placement: {max_replicas_per_node: 2}}")).toMatchObject({ replicas: 4, maxReplicasPerNode: 2 });
  expect(read("deploy: {mode: global, placement: {max_replicas_per_node: 0}}")).toMatchObject({ mode: "global", maxReplicasPerNode: 0 });
  expect(read("deploy: {mode: global}")).toMatchObject({ mode: "global" });
  expect(read("deploy: {mode: global-job}")).toMatchObject({ mode: "global", run: "job", restart: { condition: "on-failure" } });
  expect(read("deploy: {mode: replicated, replicas: 2}")).not.toHaveProperty("mode");
});

describe("a service that ends", () => {
  const specOf = (fields: string): unknown => readCompose(web(fields)).services[0]?.spec;

  test("is tried again as restart says, or restart_policy in its place", () => {
    expect(specOf("restart: no")).toMatchObject({ restart: { condition: "none" } });
    expect(specOf("restart: on-failure:3")).toMatchObject({ restart: { condition: "on-failure", maxAttempts: 3 } });
    expect(specOf("restart: no\ndeploy: {restart_policy: {condition: on-failure, delay: 5s, window: 1m, max_attempts: 2}}")).toMatchObject({
      restart: { condition: "on-failure", delayMs: 5_000, windowMs: 60_000, maxAttempts: 2 },
    });
  });

  test("is a job when its mode says so, or when another waits for it to complete", () => {
    expect(specOf("deploy: {mode: replicated-job}")).toMatchObject({ run: "job", restart: { condition: "on-failure" } });
    const { services, findings } = readCompose(
      "services: {web: {image: a, depends_on: {init: {condition: service_completed_successfully}}}, init: {image: b}, end: {image: c, restart: on-failure}}",
    );
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(services.map(({ name, spec }) => [name, spec.run, spec.restart])).toEqual([
      ["init", "job", { condition: "none" }],
      ["web", undefined, undefined],
      ["end", undefined, { condition: "on-failure" }],
    ]);
  });

  test("cannot be waited for when it is told to run for ever", () => {
    expect(
      errorsOf(
        "services: {web: {image: a, depends_on: {init: {condition: service_completed_successfully}}}, init: {image: b, restart: always}}",
      ),
    ).toEqual([expect.stringMatching(/services.init.restart: It would run again whenever it ends.*write restart: no/)]);
  });
});

describe("the stack that a manifest is", () => {
  test("is called what the person says, else the manifest, else the folder, with hyphens for what a name cannot hold", () => {
    const nameOf = (text: string, more: object = {}): string => readProject({ manifests: [{ file: "c.yaml", text }], ...more }).name;
    const services = "services: {web: {image: a}}";
    expect(nameOf(`name: shop\n${services}`, { name: "mine", folderName: "folder" })).toBe("mine");
    expect(nameOf(`name: shop\n${services}`, { folderName: "folder" })).toBe("shop");
    expect(nameOf(`name: shop\n${services}`, { environment: { COMPOSE_PROJECT_NAME: "other" } })).toBe("other");
    expect(nameOf(services, { folderName: "My_App.2" })).toBe("my-app-2");
    expect(readProject({ manifests: [{ file: "c.yaml", text: services }], folderName: "__" }).findings).toMatchObject([
      {
        path: "name",
        message: expect.stringContaining("cannot be the name of a stack"),
        instead: expect.stringContaining("--project-name"),
      },
    ]);
  });

  test("knows what each service waits for, and what it is restarted with", () => {
    const { services } = readCompose(`
services:
  web: {image: a, links: [api], depends_on: {api: {condition: service_started}, db: {condition: service_healthy, restart: true}, none: {condition: service_started, required: false}}}
  api: {image: a, links: [db]}
  db: {image: a}
`);
    expect(services.map(({ name, after }) => [name, after])).toEqual([
      ["db", []],
      ["api", [{ service: "db", condition: "started", restart: true }]],
      [
        "web",
        [
          { service: "api", condition: "started" },
          { service: "db", condition: "healthy", restart: true },
        ],
      ],
    ]);
  });
});

describe("what differs from Compose is said", () => {
  test("as a warning that does not stand in the way", () => {
    expect(warningsOf("deploy: {endpoint_mode: dnsrr}")).toEqual([]);
    expect(warningsOf("deploy: {endpoint_mode: vip}")).toEqual([expect.stringMatching(/stands for the addresses of its replicas/)]);
    expect(warningsOf("deploy: {update_config: {parallelism: 2, monitor: 5s}}")).toEqual([
      expect.stringMatching(/Without a failure_action, a failed update is rolled back/),
      expect.stringMatching(/Without an order, new replicas start before old ones stop/),
      expect.stringMatching(/healthy for this long/),
    ]);
    expect(warningsOf("exclude_from_hc: true")).toEqual([expect.stringMatching(/is a field of Coolify, not of Compose/)]);
    expect(warningsOf("volumes: [data:/data]")).toEqual([
      expect.stringMatching(/There is no volume "data" under volumes, where Compose wants one: it is made as if there were/),
    ]);
    expect(warningsOf("environment: ['HOST={{.Node.Hostname}}', 'FORMAT={{.Name}}']")).toEqual([
      "What stands in braces is taken as it is written; Swarm would fill it in.",
    ]);
    expect(warningsOf("ports: ['80']")).toEqual([expect.stringMatching(/Port 80 is not published/)]);
    for (const check of ["{interval: 5s}", "{disable: false}", "{test: []}"])
      expect(warningsOf(`healthcheck: ${check}`)).toEqual([expect.stringMatching(/^Without a test nothing is checked/)]);
    expect(warningsOf("deploy: {placement: {constraints: ['node.role == manager']}}")).toEqual(["Nodes have no roles: any node will do."]);
    expect(readCompose(web("labels: ['auth=me:$apr1$$x']")).findings).toMatchObject([
      { message: "apr1 is not set and is left empty.", instead: expect.stringMatching(/^write \$\$apr1 if the dollar sign is meant/) },
    ]);
    expect(readCompose('version: "3.8"\nservices: {web: {image: "a:1"}}').findings).toMatchObject([{ severity: "warning" }]);
  });
});

describe("what cannot be had is refused with its place, the reason, and what to write instead", () => {
  test.each([
    ["use_api_socket: true", /^4:5 services\.web\.use_api_socket: .*reach into the node/],
    ["depends_on: [db]", /depends_on\[0\]: There is no service "db" to depend on/],
    ["depends_on: [web]", /depend on each other in a circle/],
    [
      "volumes: [{type: bind, source: /x, target: /y, mode: 0755}]",
      /volumes\[0\]\.mode: Only a file of a mount of type bind is written here/,
    ],
    ["imgae: x", /services\.web\.imgae: There is no field "imgae" here\. -> did you mean image\?/],
    ["mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}", /Two fields about this limit say different things/],
    ["ports: ['8000-8010:80']", /services\.web\.ports\[0\]: .*is a choice of ports.*-> write the port to publish/],
    ["ports: ['10.0.0.1:8080:80']", /The address 10\.0\.0\.1 is of one machine.*-> write 8080:80/],
    ["ports: [{target: 80, host_ip: 1.2.3.4}]", /The address 1\.2\.3\.4 is of one machine/],
    ["ports: ['99999:80']", /ports\[0\]: "99999" is not a port/],
    ["ports: ['0:80']", /ports\[0\]: "0" is not a port/],
    ["ports: [{target: 80, published: 8080-8090}]", /ports\[0\]\.published: "8080-8090" is a choice of ports/],
    ["expose: [0]", /expose\[0\]: "0" is not a port/],
    ["environment: ['A =1']", /environment\[0\]: The name "A " ends with a space/],
    ["environment: [{A: 1}]", /environment\[0\]: Expected a text with an equals sign in it\. -> write NAME=VALUE/],
    ["volumes: ['data:rel']", /volumes\[0\]: "rel" is not a path in the container/],
    ["hostname: '{{.Node.Hostname}}'", /hostname: .*what stands in braces is not filled in, as Swarm does it/],
    ["stop_signal: stop now", /stop_signal: This cannot be had: a signal is written like SIGTERM/],
    ["logging: {options: {max-size: 1k}}", /logging: This cannot be had: the least is 1024\./],
    ["environment: {TOKEN: '${TOKEN:?ask Ann}'}", /TOKEN must be set; the file says: "ask Ann"/],
    ["environment: {PRICE: '${5}'}", /"\$\{5\}" does not name a variable\..*-> write \$\$/],
    ["restart: sometimes", /is not a way to restart/],
    ["stop_grace_period: 90", /"90" is not an amount.*-> write it like 30s/],
    ["deploy: {mode: global, replicas: 2}", /deploy\.replicas: A global service has one replica on every node that fits.*-> leave it out/],
    ["scale: 2\ndeploy: {mode: global-job}", /services\.web\.scale: A global service has one replica/],
    [
      "deploy: {mode: global, placement: {max_replicas_per_node: 1}}",
      /max_replicas_per_node: A global service has one replica on every node/,
    ],
    ["deploy: {placement: {max_replicas_per_node: some}}", /"some" is not a whole number/],
    ["deploy: {mode: everywhere}", /deploy\.mode/],
    ["deploy: {replicas: 100000}", /replicas: /],
    ["deploy: {replicas: many}", /not a whole number/],
    ["deploy: {update_config: {failure_action: give-up}}", /"give-up" is not one of pause, rollback, continue/],
    ["deploy: {rollback_config: {max_failure_ratio: 20%}}", /"20%" is not an amount.*-> write it like 0\.1/],
    ["deploy: {update_config: {delay: soon}}", /"soon" is not an amount.*-> write it like 10s/],
    ["deploy: {resources: {limits: {memory: lots}}}", /"lots" is not an amount/],
    ["deploy: {placement: {constraints: ['engine.labels.a == b']}}", /Nodes have no engine\.labels\.a/],
    ["healthcheck: {test: [curl, x]}", /begins with CMD, CMD-SHELL or NONE, not "curl"/],
    ['command: "echo \'x"', /is not closed/],
    ["x-odysseus: {a: 1}", /There is no field "a" here/],
    ["labels: 3", /Expected a mapping/],
  ])("%s", (fields, expected) => {
    expect(errorsOf(web(fields))).toEqual([expect.stringMatching(expected)]);
    expect(readCompose(web(fields)).services).toEqual([]);
  });

  test.each([
    ["", /The manifest is empty/],
    ["just text", /Expected a mapping/],
    ["services: {}", /There is no service in it/],
    ["servces: {}", /did you mean services\?/],
    ["services: {web: {}}", /needs an image/],
    ["services: {web: {build: .}}", /^1:18 services\.web\.build: Nodes run images.*-> build and push it first/],
    [
      "services: {web: {image: a, volumes: [{type: volume, target: /a, content: x}]}}",
      /Only a file of a mount of type bind is written here/,
    ],
    ["services: {web: {image: a, depends_on: [dbb]}, db: {image: b}}", /There is no service "dbb" to depend on.*-> did you mean db\?/],
    ["services: {a: {image: a, depends_on: [b]}, b: {image: b, depends_on: [a]}}", /in a circle, through.*-> leave one of them out/],
    ["services: {web: {image: a, configs: [c]}}", /There is no config "c" .*-> write configs: at the top, and below it c:/],
    ["services: {web: {extends: bse}, base: {image: a}}", /There is no service "bse" in .* to extend.*-> did you mean base\?/],
    ["services: {_: {image: a}}", /cannot be the name of a deployment/],
    ["services: {My_App: {image: a}, my-app: {image: b}}", /would become my-app, which is there already/],
    ["services:\n  web:\n   image: a\n   image: b", /^4:4 services\.web\.image: This is not valid YAML: "image" is there twice/],
    ["services:\n\tweb: {}", /not valid YAML/],
    ["constructor: 1\nservices: {web: {image: a}}", /There is no field "constructor"/],
    [
      "web: {image: a}\ndb: {image: b}",
      /^1:1 : Services stand at the top, as they did before version 2 of Compose's format\. -> write services: at the top/,
    ],
    ["services: {web: {image: a, toString: 1}}", /There is no field "toString"/],
  ])("%j", (text, expected) => {
    expect(errorsOf(text)[0]).toMatch(expected);
  });
});

describe("a manifest meant to do harm", () => {
  test("ends, with an error", () => {
    const bomb = [
      "a: &a0 {k: v}",
      ...Array.from({ length: 30 }, (_, index) => `x-${index}: &a${index + 1} {<<: [*a${index}, *a${index}]}`),
    ].join("\n");
    for (const text of [
      `${bomb}\nservices: {web: {<<: *a30, image: a}}`,
      "services: &a\n  web: *a",
      "[".repeat(100_000),
      `services: {web: {image: a, command: ${"[".repeat(50_000)}${"]".repeat(50_000)}}}`,
      "x".repeat(MAX_MANIFEST_BYTES + 1),
      `services:\n${Array.from({ length: 5_001 }, (_, index) => `  s${index}: {image: a}\n`).join("")}`,
    ]) {
      expect(errorsOf(text).length).toBeGreaterThan(0);
    }
  });

  test("by aliases of aliases is refused by counting, before it is spelled out", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `x-${index}: &a${index + 1} [${`*a${index}, `.repeat(9)}]`);
    const bomb = ["x: &a0 [lol]", ...lines, "services: {web: {image: a, command: *a30}}"].join("\n");
    expect(errorsOf(bomb)).toEqual([expect.stringMatching(/There are more than 250000 values, counting aliases each time/)]);
  });

  test("whatever it holds, the answer is findings, never an exception", () => {
    assert(
      property(
        oneof(
          string(),
          json(),
          object().map((value) => JSON.stringify({ services: { web: { image: "a", ...value } } })),
        ),
        (text) => {
          const { services, findings } = readCompose(text);
          for (const finding of findings) expect(finding.line).toBeGreaterThan(0);
          expect(services.length > 0 || findings.length > 0).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
