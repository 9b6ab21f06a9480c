import { describe, expect, test } from "vitest";
import { type Project, readProject } from "../../../actors/manifest/read-compose.ts";

const filesOf = (files: Readonly<Record<string, string>>): NonNullable<Project["files"]> => ({
  read: (path) => (files[path] === undefined ? { kind: "absent" } : { kind: "text", text: files[path] }),
});
const named = (...texts: readonly string[]): Project["manifests"] => texts.map((text, index) => ({ file: `${index + 1}.yaml`, text }));
const specsOf = (project: Project): Readonly<Record<string, unknown>> => {
  const { services, findings } = readProject(project);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  return Object.fromEntries(services.map(({ name, spec }) => [name, spec]));
};
const errorsOf = (project: Project): readonly string[] =>
  readProject(project)
    .findings.filter(({ severity }) => severity === "error")
    .map(({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`);

describe("several manifests", () => {
  test("are laid over each other: mappings merged, lists joined, commands and texts replaced, ports and variables by their key", () => {
    const base = `services:
  web:
    image: a:1
    command: [x, y]
    environment: [A=1, B=2]
    labels: {l: "1"}
    ports: ["80:80", "81:81/udp"]
    healthcheck: {test: [CMD, a], interval: 5s}
    deploy: {replicas: 2, resources: {limits: {memory: 100M, cpus: "1"}}}
    user: u`;
    const over = `services:
  web:
    command: z
    environment: {B: "3", C: "4"}
    labels: [m=2]
    ports: ["80:80", {target: 82, published: 82}]
    healthcheck: {test: b}
    deploy: {resources: {limits: {memory: 200M}}}
    user: null
  more: {image: more}`;
    expect(specsOf({ manifests: named(base, over) })).toMatchObject({
      web: {
        image: "a:1",
        command: ["z"],
        environment: { A: "1", B: "3", C: "4" },
        labels: { l: "1", m: "2" },
        ports: [
          { containerPort: 80, publishedPort: 80 },
          { containerPort: 81, publishedPort: 81, protocol: "udp" },
          { containerPort: 82, publishedPort: 82 },
        ],
        health: { command: ["/bin/sh", "-c", "b"], intervalMs: 5_000 },
        replicas: 2,
        resources: { memoryLimitBytes: 209_715_200, cpuLimitMillis: 1_000 },
        user: "u",
      },
      more: { image: "more" },
    });
  });

  test("may take away with !reset and replace with !override", () => {
    const base = 'services: {web: {image: a, ports: ["80:80"], environment: {A: "1"}, labels: {x: y, k: k}, command: [a], user: "1"}}';
    const over =
      'services: {web: {ports: !reset [], environment: !override {C: "3"}, labels: {x: !reset null, z: w}, command: !reset null}}';
    expect(specsOf({ manifests: named(base, over) })).toEqual({
      web: { image: "a", environment: { C: "3" }, labels: { k: "k", z: "w" }, user: "1" },
    });
  });

  test("that disagree about what a field is are refused at the later one's line", () => {
    expect(errorsOf({ manifests: named("services: {web: {image: a}}", "services:\n  web: [a]") })).toEqual([
      "2.yaml:2 services.web: This is a list, and a mapping in the part it is merged with.",
    ]);
  });

  test("may be documents of one file", () => {
    expect(specsOf({ manifests: named("services: {web: {image: a}}\n---\nservices: {web: {user: u}}\n---\n") })).toEqual({
      web: { image: "a", user: "u" },
    });
  });
});

describe("variables", () => {
  test("come from the shell first, then from files of variables, the last file first", () => {
    const project: Project = {
      manifests: named("name: shop\nservices: {web: {image: '$A-$B-$C-$COMPOSE_PROJECT_NAME', environment: [A, NONE]}}"),
      environment: { A: "shell" },
      envFiles: [
        { file: ".env", text: "A=1\nB=1\nC=1" },
        { file: "2.env", text: "C=2" },
      ],
    };
    expect(specsOf(project)).toEqual({ web: { image: "shell-1-2-shop", environment: { A: "shell" } } });
    expect(readProject(project).findings.map(({ message }) => message)).toContain("NONE is not set and is left out.");
  });

  test("that nothing sets are said once, with their first place; those of Coolify with the reason", () => {
    const text = "services:\n  web:\n    image: a$TAG\n    environment:\n      A: $SERVICE_PASSWORD_DB\n      B: $TAG$SERVICE_PASSWORD_DB";
    expect(readProject({ manifests: named(text) }).findings).toMatchObject([
      { severity: "warning", code: "unset-variable", file: "1.yaml", line: 3, message: "TAG is not set and is left empty." },
      { line: 5, path: "services.web.environment.A", message: expect.stringMatching(/left empty: Coolify makes such a value up/) },
    ]);
  });
});

describe("files of variables", () => {
  const environmentOf = (text: string, more = ""): unknown =>
    (
      specsOf({
        manifests: named(`services: {web: {image: a, env_file: [a.env], environment: {OWN: x}${more}}}`),
        files: filesOf({ "a.env": text }),
      })["web"] as {
        environment: unknown;
      }
    ).environment;

  test("hold comments, quotes, several lines, and variables of the file and the project", () => {
    const text = [
      "# comment",
      "A=1",
      "  B = spaced  ",
      "export C=exported",
      'D="double \\"q\\" \\n $A"',
      "E='single $A'",
      "F=a b # comment",
      "G=a#b",
      "H=${A}x",
      "I=",
      "J",
      'K="two',
      'lines"',
      "L: colon",
      'M="\\$A"',
      "N=#x",
      "OWN=theirs",
    ].join("\n");
    expect(environmentOf(text)).toEqual({
      A: "1",
      B: "spaced",
      C: "exported",
      D: 'double "q" \n 1',
      E: "single $A",
      F: "a b",
      G: "a#b",
      H: "1x",
      I: "",
      K: "two\nlines",
      L: "colon",
      M: "$A",
      N: "#x",
      OWN: "x",
    });
  });

  test("are read once, however many services name them; more than 300 of them are refused", () => {
    const services = (file: (index: number) => string): string =>
      `services: {${Array.from({ length: 301 }, (_, index) => `s${index}: {image: a, env_file: ${file(index)}}`).join(", ")}}`;
    let reads = 0;
    const files: NonNullable<Project["files"]> = {
      read: () => {
        reads += 1;
        return { kind: "text", text: "A=1" };
      },
    };
    expect(errorsOf({ manifests: named(services(() => "app.env")), files })).toEqual([]);
    expect(reads).toBe(1);
    expect(errorsOf({ manifests: named(services((index) => `${index}.env`)), files })).toEqual([
      "1.yaml:1 services.s300.env_file: The project names more than 300 files.",
    ]);
  });

  test("may be raw, or absent where they are not required", () => {
    const manifests = named("services: {web: {image: a, env_file: [{path: r.env, format: raw}, {path: none.env, required: false}]}}");
    const files = filesOf({ "r.env": "A=\"q\" $B # c\nB='x'" });
    expect(specsOf({ manifests, files })).toEqual({ web: { image: "a", environment: { A: '"q" $B # c', B: "'x'" } } });
  });

  test.each([
    ["none.env", "", /^1\.yaml:1 services\.web\.env_file: There is no file none\.env/],
    ["../up.env", "", /is outside the project's folder/],
    ["/etc/passwd", "", /is outside the project's folder/],
    ["a.env", 'A="x', /^a\.env:1 : A quote is not closed/],
    ["a.env", "A=1\nwhat is this", /^a\.env:2 : This line is not a variable/],
  ])("%s that cannot be read, or not understood, is refused with its place", (path, text, expected) => {
    const files = filesOf({ "a.env": text });
    expect(errorsOf({ manifests: named(`services: {web: {image: a, env_file: ${path}}}`), files })[0]).toMatch(expected);
  });
});

describe("a service that extends another one", () => {
  test("has what that one has, from its own file or another one, with paths as they are there", () => {
    const manifests = named(`services:
  web: {extends: {file: base/common.yaml, service: base}, environment: {OWN: "1", SHARED: web}, ports: ["80:80"]}
  api: {extends: local, command: api}
  local: {image: local, extends: {service: root}}
  root: {image: root, user: root}`);
    const files = filesOf({
      "base/common.yaml":
        'services: {base: {extends: deeper, image: base, env_file: b.env, environment: [SHARED=base], ports: ["81:81"]}, deeper: {working_dir: /d, image: x}}',
      "base/b.env": "FROM=file",
    });
    expect(specsOf({ manifests, files })).toMatchObject({
      web: {
        image: "base",
        workingDirectory: "/d",
        environment: { FROM: "file", SHARED: "web", OWN: "1" },
        ports: [{ publishedPort: 81 }, { publishedPort: 80 }],
      },
      api: { image: "local", user: "root", command: ["api"] },
    });
  });

  test.each([
    ["extends: nope", /There is no service "nope" in 1\.yaml to extend/],
    ["extends: web", /extend each other in a circle/],
    ["extends: {file: none.yaml, service: a}", /There is no file none\.yaml/],
    ["extends: {file: ../x.yaml, service: a}", /outside the project's folder/],
    ["extends: {file: empty.yaml, service: a}", /There are no services in empty\.yaml/],
    ["extends: {}", /needs the name of a service/],
  ])("%s is refused", (field, expected) => {
    expect(errorsOf({ manifests: named(`services: {web: {image: a, ${field}}}`), files: filesOf({ "empty.yaml": "a: 1" }) })[0]).toMatch(
      expected,
    );
  });
});

describe("an included project", () => {
  test("has its own folder and variables, below those of the project that includes it", () => {
    const manifests = named(
      'include: [inc/c.yaml, {path: [two/a.yaml, two/b.yaml], env_file: two/x.env}]\nservices: {web: {image: "web:$TAG", depends_on: [one]}}',
    );
    const files = filesOf({
      "inc/c.yaml": 'services: {one: {image: "one:$TAG-$ONLY", env_file: e.env}}',
      "inc/.env": "TAG=inc\nONLY=inc",
      "inc/e.env": "E=inc",
      "two/a.yaml": "services: {two: {image: '$X', environment: {A: a}}}",
      "two/b.yaml": "services: {two: {environment: {B: b}}}",
      "two/x.env": "X=x",
    });
    const specs = specsOf({ manifests, files, envFiles: [{ file: ".env", text: "TAG=main" }] });
    expect(specs).toMatchObject({
      one: { image: "one:main-inc", environment: { E: "inc" } },
      two: { image: "x", environment: { A: "a", B: "b" } },
      web: { image: "web:main" },
    });
    expect(Object.keys(specs).indexOf("one")).toBeLessThan(Object.keys(specs).indexOf("web"));
  });

  test("may be changed by the project that includes it", () => {
    const project = {
      manifests: named("include: [o.yaml]\nservices: {web: {user: me}}"),
      files: filesOf({ "o.yaml": "services: {web: {image: a}}" }),
    };
    expect(specsOf(project)).toEqual({ web: { image: "a", user: "me" } });
  });

  test.each([
    [{ "o.yaml": "include: [o.yaml]\nservices: {b: {image: b}}" }, /include each other in a circle, through o\.yaml/],
    [{}, /There is no file o\.yaml/],
  ])("is refused where it %o", (files: Readonly<Record<string, string>>, expected) => {
    expect(errorsOf({ manifests: named("include: [o.yaml]\nservices: {web: {image: a}}"), files: filesOf(files) })[0]).toMatch(expected);
  });
});

describe("profiles", () => {
  const text = "services: {web: {image: a}, debug: {image: d, profiles: [debug], depends_on: [web]}, other: {image: o, profiles: [x]}}";

  test("leave services alone that are not asked for, and say so", () => {
    const { services, findings } = readProject({ manifests: named(text) });
    expect(services.map(({ name }) => name)).toEqual(["web"]);
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"debug" is left alone/),
      expect.stringMatching(/"other" is left alone/),
    ]);
  });

  test("are asked for by name, by COMPOSE_PROFILES, or all of them", () => {
    const names = (project: Partial<Project>): readonly string[] =>
      readProject({ manifests: named(text), ...project }).services.map(({ name }) => name);
    expect(names({ profiles: ["debug"] })).toEqual(["web", "debug"]);
    expect(names({ environment: { COMPOSE_PROFILES: "x,debug" } })).toEqual(["web", "debug", "other"]);
    expect(names({ profiles: ["*"] })).toEqual(["web", "debug", "other"]);
  });

  test("that are needed and not asked for are an error, unless the dependency is not required", () => {
    const needs = (field: string): readonly string[] =>
      errorsOf({ manifests: named(`services: {a: {image: a, depends_on: ${field}}, b: {image: b, profiles: [p]}}`) });
    expect(needs("[b]")).toEqual([expect.stringMatching(/"b" belongs to a profile that is not asked for/)]);
    expect(needs("{b: {condition: service_started, required: false}}")).toEqual([]);
  });
});
