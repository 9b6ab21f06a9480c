import type { OracleCase } from "./oracle-case.ts";

/** Several files that become one. */
export const merging: readonly OracleCase[] = [
  {
    title: "two files merged, field by field",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": `name: shop
services:
  web:
    image: a:1
    command: [one, two]
    entrypoint: [e]
    environment: [A=1, B=1]
    labels: {x: "1", y: "1"}
    ports: ["8080:80", "8443:443"]
    expose: ["1"]
    volumes: ["data:/data", "/srv:/srv:ro"]
    dns: 1.1.1.1
    cap_add: [NET_ADMIN]
    tmpfs: /run
    env_file: a.env
    healthcheck: {test: [CMD, a], interval: 10s, retries: 2}
    ulimits: {nofile: 10}
    logging: {driver: json-file, options: {max-size: 10m}}
    depends_on: [db]
    deploy: {replicas: 2, resources: {limits: {cpus: "1", memory: 100M}}, placement: {constraints: [node.labels.a==1]}}
    extra_hosts: ["a:10.0.0.1"]
    networks: [one]
    sysctls: [a.b=1]
  db: {image: db}
volumes: {data: {labels: {a: "1"}}}
networks: {one: , two: }
`,
      "b.yaml": `services:
  web:
    image: b:2
    command: [three]
    environment: {B: 2, C: 3}
    labels: [y=2, z=3]
    ports: ["8080:80", "9000:90"]
    expose: ["1", "2"]
    volumes: ["other:/data", "/srv:/srv2"]
    dns: [8.8.8.8, 1.1.1.1]
    cap_add: [SYS_TIME, NET_ADMIN]
    tmpfs: [/tmp]
    env_file: [b.env]
    healthcheck: {test: [CMD, b], timeout: 1s}
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
    logging: {options: {max-file: "2"}}
    depends_on: {db: {condition: service_healthy}, cache: {condition: service_started}}
    deploy: {replicas: 3, resources: {limits: {memory: 200M}}, placement: {constraints: [node.labels.b==2]}}
    extra_hosts: {a: 10.0.0.2, b: 10.0.0.3}
    networks: {two: {aliases: [w]}}
    sysctls: {a.b: 2, c.d: 3}
  db: {image: db, healthcheck: {test: [CMD, x]}}
  cache: {image: cache}
volumes: {other: , data: {labels: {b: "2"}}}
`,
      "a.env": "E=1\nF=1\n",
      "b.env": "F=2\n",
    },
  },
  {
    title: "what is reset and overridden",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml":
        "services:\n  web: {image: a, command: [x], ports: ['80:80'], environment: {A: 1, B: 2}, labels: {a: b}, volumes: ['/a:/a'], user: me, deploy: {replicas: 2}}\n  gone: {image: b}\n",
      "b.yaml":
        "services:\n  web:\n    ports: !override ['81:81']\n    environment: {A: !reset null, C: 3}\n    labels: !reset {}\n    volumes: !reset []\n    user: !reset null\n    deploy: !override {resources: {limits: {pids: 5}}}\n  gone: !reset null\n",
    },
  },
  {
    title: "logging of another driver replaces",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": "services: {web: {image: a, logging: {driver: json-file, options: {max-size: 5m}}}}\n",
      "b.yaml": "services: {web: {logging: {driver: local, options: {max-file: '2'}}}}\n",
    },
  },
  {
    title: "a name over a name",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": "name: one\nservices: {web: {image: a, environment: {N: $COMPOSE_PROJECT_NAME}}}\n",
      "b.yaml": "name: two\nservices: {web: {user: me}}\n",
    },
  },
  {
    title: "long and short forms merged by what they are about",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml":
        "services: {web: {image: a, ports: ['8080:80'], volumes: ['one:/x'], secrets: [s], configs: [{source: c, target: /c}]}}\nvolumes: {one: , two: }\nsecrets: {s: {file: s}}\nconfigs: {c: {file: s}, d: {file: s}}\n",
      "b.yaml":
        "services: {web: {ports: [{target: 80, published: 8080, app_protocol: http}], volumes: [{type: volume, source: two, target: /x, read_only: true}], secrets: [{source: s, target: t}], configs: [{source: d, target: /c}]}}\n",
      s: "s",
    },
  },
  {
    title: "several documents in one file",
    files: { "compose.yaml": "services: {web: {image: a, labels: {a: b}}}\n---\nservices: {web: {labels: {c: d}}}\n" },
  },
  {
    title: "a text over a list",
    manifests: ["a.yaml", "b.yaml"],
    files: { "a.yaml": "services: {web: {image: a, command: [a, b]}}\n", "b.yaml": "services: {web: {command: c d}}\n" },
  },
];

/** Projects of several services, and what they say of each other. */
export const several: readonly OracleCase[] = [
  {
    title: "a service that extends one of its own file",
    files: {
      "compose.yaml": `services:
  base: {image: a, environment: {A: 1, B: 1}, ports: ["80:80"], command: [x], volumes: ["/a:/a"], labels: {l: base}, depends_on: [db], profiles: [never]}
  web: {extends: base, environment: {B: 2}, ports: ["81:81"], volumes: ["/b:/b"]}
  third: {extends: {service: web}, command: [y]}
  db: {image: db}
`,
    },
  },
  {
    title: "a service that extends one of another file, whose paths are its own",
    files: {
      "compose.yaml": "services:\n  web: {extends: {file: common/base.yaml, service: base}, image: own, environment: {B: 2}}\n",
      "common/base.yaml":
        "services:\n  base: {extends: {service: root}, env_file: base.env, labels: {l: base}}\n  root: {image: root, environment: {A: '${A:-1}', B: 1}}\n",
      "common/base.env": "C=3\n",
    },
  },
  {
    title: "services that extend each other",
    files: { "compose.yaml": "services: {a: {image: a, extends: b}, b: {image: b, extends: a}}\n" },
  },
  { title: "extends of a service that is not there", files: { "compose.yaml": "services: {a: {image: a, extends: b}}\n" } },
  {
    title: "extends of a file that is not there",
    files: { "compose.yaml": "services: {a: {image: a, extends: {file: x.yaml, service: b}}}\n" },
  },
  {
    title: "included files, with folders and variables of their own",
    files: {
      "compose.yaml":
        "include:\n  - db/compose.yaml\n  - {path: [q/compose.yaml, q/override.yaml], project_directory: q, env_file: q/own.env}\nservices:\n  web: {image: a, depends_on: [db, queue]}\n",
      "db/compose.yaml": "services:\n  db: {image: 'db:${TAG:-none}', env_file: db.env, volumes: ['data:/data']}\nvolumes: {data: }\n",
      "db/.env": "TAG=7\n",
      "db/db.env": "A=1\n",
      "q/compose.yaml": "services: {queue: {image: 'q:${TAG}', environment: {A: 1}}}\n",
      "q/override.yaml": "services: {queue: {environment: {B: 2}}}\n",
      "q/own.env": "TAG=8\n",
    },
  },
  {
    title: "an included service that is changed here",
    files: { "compose.yaml": "include: [inner.yaml]\nservices: {db: {user: me}}\n", "inner.yaml": "services: {db: {image: db}}\n" },
  },
  {
    title: "files that include each other",
    files: {
      "compose.yaml": "include: [b.yaml]\nservices: {a: {image: a}}\n",
      "b.yaml": "include: [compose.yaml]\nservices: {b: {image: b}}\n",
    },
  },
  {
    title: "profiles",
    profiles: ["debug"],
    files: { "compose.yaml": "services:\n  a: {image: a}\n  b: {image: b, profiles: [debug, x]}\n  c: {image: c, profiles: [other]}\n" },
  },
  {
    title: "profiles of the environment",
    environment: { COMPOSE_PROFILES: "x,y" },
    files: { "compose.yaml": "services:\n  a: {image: a}\n  b: {image: b, profiles: [y]}\n  c: {image: c, profiles: [z]}\n" },
  },
  {
    title: "a later file that says nothing after a name",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": "services: {web: {image: a, command: [x], environment: {A: 1, B: 1}, labels: {l: x}, user: me}}\n",
      "b.yaml": "services: {web: {command: null, environment: {A: }, labels: {l: }, user: }}\n",
    },
  },
  {
    title: "a later list of variables over a mapping, with a name alone",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": "services: {web: {image: a, environment: {A: 1, B: 1}}}\n",
      "b.yaml": "services: {web: {environment: [A, C=3]}}\n",
    },
  },
  {
    title: "a variable of a file that the manifest names without a value",
    files: { "compose.yaml": "services: {web: {image: a, env_file: e, environment: {A: , B: x}}}\n", e: "A=1\nB=1\nC=1\n" },
  },
  { title: "include without a file", files: { "compose.yaml": "include:\nservices: {web: {image: a}}\n" } },
  {
    title: "a network of Swarm",
    files: {
      "compose.yaml":
        "services: {web: {image: a, networks: [n]}, db: {image: b, networks: [n]}}\nnetworks: {n: {driver: overlay, attachable: true, driver_opts: {encrypted: ''}}}\n",
    },
  },
  {
    title: "services at the top",
    files: { "compose.yaml": "web:\n  image: a\n  links: [db]\ndb:\n  image: b\n" },
  },
  {
    title: "links by another name",
    files: { "compose.yaml": "services: {web: {image: a, links: ['db:mysql', db]}, db: {image: b}}\n" },
  },
  {
    title: "files and folders beside the manifest",
    files: {
      "compose.yaml":
        "services: {web: {image: a, volumes: ['./app.conf:/etc/app.conf:ro', './data:/data', {type: bind, source: ./data, target: /more}]}}\n",
      "app.conf": "x",
    },
  },
  { title: "every service in a profile nobody asks for", files: { "compose.yaml": "services: {a: {image: a, profiles: [x]}}\n" } },
  { title: "a null service", files: { "compose.yaml": "services:\n  a:\n" } },
  { title: "a service without an image", files: { "compose.yaml": "services: {a: {command: x}}\n" } },
  { title: "no services", files: { "compose.yaml": "volumes: {}\n" } },
  { title: "an empty file", files: { "compose.yaml": "" } },
  { title: "not yaml", files: { "compose.yaml": "services: [a\n" } },
  { title: "a list at the top", files: { "compose.yaml": "- a\n" } },
  { title: "a tab", files: { "compose.yaml": "services:\n\ta: {image: a}\n" } },
  { title: "an alias without an anchor", files: { "compose.yaml": "services: {a: *b}\n" } },
  { title: "a key that is there twice", files: { "compose.yaml": "services: {a: {image: a}, a: {image: b}}\n" } },
  { title: "an unknown section", files: { "compose.yaml": "services: {a: {image: a}}\nservice: {}\n" } },
  { title: "a version", files: { "compose.yaml": "version: '3.8'\nservices: {a: {image: a}}\n" } },
  {
    title: "anchors in extension fields",
    files: {
      "compose.yaml":
        "x-base: &base {image: a, restart: always}\nx-env: &env {A: 1}\nservices:\n  a: {<<: *base, environment: {<<: *env, B: 2}}\n  b: {<<: [*base, {user: me}]}\n",
    },
  },
  {
    title: "names in capitals, with dots and underscores",
    files: { "compose.yaml": "services: {Web_1.x: {image: a, depends_on: [Db]}, Db: {image: b}}\n" },
  },
];
