import { one, type OracleCase } from "./oracle-case.ts";
import { merging, several } from "./oracle-projects.ts";

const interpolation: readonly OracleCase[] = [
  one(
    "variables in every form, set, empty and unset",
    `environment:
  PLAIN: $SET and \${SET}
  DASH: "\${SET-d}|\${EMPTY-d}|\${UNSET-d}"
  COLON_DASH: "\${SET:-d}|\${EMPTY:-d}|\${UNSET:-d}"
  PLUS: "\${SET+y}|\${EMPTY+y}|\${UNSET+y}"
  COLON_PLUS: "\${SET:+y}|\${EMPTY:+y}|\${UNSET:+y}"
  ASKED: "\${SET?needed}|\${EMPTY?needed}|\${SET:?needed}"
  DOLLAR: "$$SET $$$SET \${UNSET:-$$}"`,
    { environment: { SET: "value", EMPTY: "" } },
  ),
  one(
    "defaults within defaults",
    `environment:
  ONE: "\${UNSET:-\${SET:-x}}"
  TWO: "\${UNSET:-\${OTHER:-\${SET}/deep}}"
  MIXED: "\${UNSET:-a-\${SET}-b-\${OTHER-none}}"
  PLUS: "\${SET:+\${SET}-\${UNSET:-z}}"
  EMPTY: "\${UNSET:-}"
  COLON: "\${UNSET:-http://localhost:80/a?b=c}"
  BRACES: '\${UNSET:-{"a": {"b": 1}}}'`,
    { environment: { SET: "value" } },
  ),
  one("a variable that is required and not set", 'environment: ["A=${NOBODY:?say it}"]'),
  one("a variable that is required and empty", 'environment: ["A=${EMPTY:?say it}"]', { environment: { EMPTY: "" } }),
  one("a brace that is not closed", 'environment: ["A=${OPEN"]'),
  one("a name that is none", 'environment: ["A=${1X}"]'),
  one("dollars that are no variables", "command: echo $? $1 $( date ) 5$"),
  one(
    "variables where numbers are expected",
    'ports: ["${PORT}:80"]\nmem_limit: ${MEMORY}\ndeploy: {replicas: "${COUNT}"}\ninit: "${INIT}"',
    {
      environment: { PORT: "8080", MEMORY: "64m", COUNT: "3", INIT: "true" },
    },
  ),
  one("variables of .env, below those of the shell", "environment: {A: $A, B: $B, C: $C}", {
    environment: { A: "shell" },
    files: { ".env": "A=file\nB=file-$A\nC=${B}-${D:-d}\n" },
  }),
  one("names of variables with unicode and lower case", "environment: {a_b: '$low_er', ÄÖ: 'ü'}", { environment: { low_er: "1" } }),
];

const envFiles: readonly OracleCase[] = [
  one("a file of variables in every format", "env_file: app.env", {
    environment: { SHELL_SET: "s" },
    files: {
      "app.env": `# a comment
PLAIN=value
SPACED = padded value
export EXPORTED=yes
EMPTY=
QUOTED="two words # kept"
SINGLE='$NOT {filled} \\n'
ESCAPED="a\\tb\\nc\\"d\\\\e"
HASH=a#b
COMMENT=a # comment
URL=postgres://u:p@h/db?x=1
LINES="first
second"
SINGLE_LINES='one
two'
INHERITED
SHELL_SET
USED=\${PLAIN}-\${MISSING:-d}
COLON: yaml
DOLLAR=a$$b
JSON={"a": "b"}
TRAILING=x   
UTF=grüße
`,
    },
  }),
  one(
    "files of variables, later over earlier, and environment over all",
    "env_file: [a.env, {path: b.env, required: true}, {path: c.env, required: false}]\nenvironment: {C: own}",
    {
      files: { "a.env": "A=1\nB=1\nC=1\n", "b.env": "B=2\nC=2\nD=$B$A\n" },
    },
  ),
  one("a raw file of variables", "env_file: [{path: raw.env, format: raw}]", {
    files: { "raw.env": "A='quoted'\nB=$HOME\nC=\"x\" # y\n" },
  }),
  one("a file of variables that is missing", "env_file: missing.env"),
  one("a file of variables with windows line ends", "env_file: w.env", { files: { "w.env": "A=1\r\nB=\"2\"\r\n\r\n#c\r\nC='3'\r\n" } }),
  one("a file of labels", "label_file: l.env\nlabels: {b: own}", { files: { "l.env": "a=1\nb=2\n" } }),
];

const values: readonly OracleCase[] = [
  one("environment in a list", "environment:\n  - A=1\n  - B=\n  - C\n  - D=x=y\n  - FROM_SHELL", { environment: { FROM_SHELL: "shell" } }),
  one("environment in a mapping", 'environment: {A: 1, B: "", C: null, D: true, E: 1.5, F: "01", FROM_SHELL: }', {
    environment: { FROM_SHELL: "shell" },
  }),
  one(
    "yaml 1.1 words and numbers",
    "environment: {A: yes, B: off, C: 0x1F, D: 0o17, E: 1_000, F: 1e3, G: ~, H: 12:30:45, I: .5, J: 2026-11-25}",
  ),
  one("labels in a list and in a mapping", "labels:\n  - a=1\n  - b\n  - c.d=x=y"),
  one("labels in a mapping", 'labels: {a: 1, b: "", c: true, "traefik.http.routers.x.rule": "Host(`a`)"}'),
  one(
    "anchors and merge keys",
    "environment: &e {A: 1, B: 2}\nlabels: {<<: *e, B: 3}\nannotations:\n  <<: [{x: first}, {x: second, y: z}]",
  ),
  one("commands as texts", "command: sh -c \"echo 'a b' \\\"c\\\"\" d\\ e ''\nentrypoint: /bin/x --y='z w'"),
  one("commands as lists", "command: [a, 1, 2.50, true]\nentrypoint: []"),
  one("a command that is taken away", "command: []\nentrypoint: ['']"),
  one("texts over several lines", "command:\n  - |\n    one\n    two\n  - >-\n    folded\n    text\nuser: >\n  me"),
  one(
    "durations",
    "stop_grace_period: 1m30s\nhealthcheck: {test: [CMD, x], interval: 1.5h, timeout: 500ms, start_period: 1h2m3s, retries: 4}",
  ),
  one("a duration in days", "stop_grace_period: 1d"),
  one("a duration without a unit", "stop_grace_period: 30"),
  one("sizes", "mem_limit: 512M\nmem_reservation: 64mb\nmemswap_limit: 1.5gb\nshm_size: 128k"),
  one("sizes as numbers", "mem_limit: 67108864\nshm_size: 1000000\nmemswap_limit: -1"),
  one("processors", "cpus: 0.5\ncpu_shares: 512\ncpuset: 0-1,3\npids_limit: 100"),
  one("a quota of processors", "cpu_quota: 50000\ncpu_period: 100000"),
  one("a quota as a duration", "cpu_quota: 50ms\ncpu_period: 100ms"),
  one("ulimits", "ulimits: {nproc: 65535, nofile: {soft: 100, hard: 200}}"),
  one("a field that nobody knows", "memory: 5m"),
  one("an extension field", "x-own: {a: [1]}"),
  one("a field that is there twice", "user: a\nuser: b"),
  one("nothing after a name", "environment:\nlabels:\nports:\nvolumes:"),
  one("a null command", "command:\nentrypoint: null"),
  one(
    "empty lists and mappings",
    "environment: {}\nlabels: []\nports: []\nvolumes: []\ndepends_on: []\ncap_add: []\ndns: []\nextra_hosts: {}\ntmpfs: []\nexpose: []",
  ),
  one("true and false in quotes", 'tty: "true"\nread_only: "false"\ninit: "true"'),
  {
    title: "an image with a registry's port, a tag and a digest",
    files: { "compose.yaml": `services: {web: {image: "r.example:5000/a/b:1.2@sha256:${"0".repeat(64)}"}}\n` },
  },
];

const ports: readonly OracleCase[] = [
  one(
    "ports in every short form",
    `ports:
  - "8080:80"
  - "9000-9002:8000-8002"
  - "6060:6060/udp"
  - 4000:4001
  - "0.0.0.0:7000:7001"`,
  ),
  one("a port that is a number", "ports: [3000]"),
  one("a port without a published one", 'ports: ["3000", "3001-3003", "53/udp"]'),
  one("ports of one address", 'ports: ["127.0.0.1:8001:8001"]'),
  one("ports of an address of version 6", 'ports: ["[::1]:8001:8001"]'),
  one("a range for one port", 'ports: ["8000-8010:80"]'),
  one("ranges of different lengths", 'ports: ["8000-8002:80-81"]'),
  one("a port in base sixty", "ports:\n  - 22:22"),
  one(
    "ports in the long form",
    `ports:
  - {target: 80, published: "8080", protocol: tcp, mode: ingress, app_protocol: http, name: web}
  - {target: 81, published: 8081, mode: host}
  - {target: 82, published: "9000", host_ip: 127.0.0.1}`,
  ),
  one("a long port without a published one", "ports: [{target: 80}]"),
  one("a port that is said twice", 'ports: ["80:80", "80:80"]'),
  one("expose", 'expose: [3000, "3001", "4000-4002", "53/udp"]'),
];

const mounts: readonly OracleCase[] = [
  {
    title: "volumes in every form",
    files: {
      "compose.yaml": `services:
  web:
    image: a
    volumes:
      - data:/data
      - cache:/cache:ro
      - /anonymous
      - /etc/localtime:/etc/localtime:ro
      - /srv:/srv:rslave
      - type: volume
        source: logs
        target: /logs
        read_only: true
        volume: {nocopy: true, subpath: app}
      - type: bind
        source: /opt
        target: /opt
        bind: {create_host_path: false, propagation: rprivate}
      - {type: tmpfs, target: /scratch, tmpfs: {size: 64m, mode: 01777}}
      - {type: volume, target: /unnamed}
    tmpfs: [/run, "/tmp:size=1m,mode=1777"]
volumes:
  data:
  cache: {name: shared-cache, labels: [a=b], driver: local, driver_opts: {type: nfs, o: "addr=10.0.0.1,rw", device: ":/x"}}
  logs: {external: true}
`,
    },
  },
  {
    title: "volumes outside",
    files: {
      "compose.yaml":
        "services: {web: {image: a, volumes: ['one:/a', 'two:/b', 'three:/c']}}\nvolumes:\n  one: {external: true, name: other}\n  two: {external: {name: older}}\n  three: {name: '${N:-mine}'}\n",
    },
  },
  one("a volume that nobody defined", "volumes: ['data:/data']"),
  one("a mount with an option too many", "volumes: ['/a:/b:ro:x']"),
  one("healthchecks without a test", "healthcheck: {interval: 10s}"),
  one("a healthcheck that is not disabled", "healthcheck: {disable: false}"),
  one("signals in other words", "stop_signal: int"),
  one("drivers for output", "logging: {driver: syslog, options: {syslog-address: 'udp://192.0.2.1:514'}}"),
  one("ports whose address or number is empty", "ports: [':8443:443', ':80', '127.0.0.1::81']"),
  one("a port that is none", "expose: ['65536']"),
  one("a name of a variable with a space after it", "environment: ['A =1']"),
  one("capabilities in lower case", "cap_add: [net_admin, CAP_SYS_TIME]"),
  one("a mount from the home", "volumes: ['~/x:/x']"),
  one("a mount twice at one place", "volumes: ['/a:/x', '/b:/x']"),
  one("tmpfs as one text", "tmpfs: /run"),
  one("options of one mount, z among them", "volumes: ['/a:/a:ro,z', '/b:/b:rw,cached', '/c:/c:Z']"),
  one("a source with a trailing slash and dots in it", "volumes: ['/a/../b/:/x/']"),
];

const files: readonly OracleCase[] = [
  {
    title: "configs and secrets",
    environment: { TOKEN: "t" },
    files: {
      "compose.yaml": `services:
  web:
    image: a
    configs:
      - app
      - {source: inline, target: /etc/inline.conf, uid: "103", gid: "104", mode: 0440}
    secrets:
      - password
      - {source: token, target: other, mode: "0400"}
configs:
  app: {file: ./app.conf}
  inline: {content: "a=\${TOKEN}\\n"}
secrets:
  password: {file: password.txt}
  token: {environment: TOKEN}
`,
      "app.conf": "x\n",
      "password.txt": "p",
    },
  },
  one("a secret that nobody defined", "secrets: [missing]"),
];

const lifecycle: readonly OracleCase[] = [
  {
    title: "depends_on in every form",
    files: {
      "compose.yaml": `services:
  a: {image: a, depends_on: [b, c]}
  b: {image: b, depends_on: {c: {condition: service_healthy}, d: {condition: service_completed_successfully, required: true}}}
  c: {image: c, healthcheck: {test: "true"}}
  d: {image: d, restart: "no", depends_on: {e: {condition: service_started, required: false}}}
  e: {image: e, profiles: [debug]}
`,
    },
  },
  {
    title: "services that wait for each other",
    files: { "compose.yaml": "services: {a: {image: a, depends_on: [b]}, b: {image: b, depends_on: [a]}}\n" },
  },
  { title: "a dependency that is not there", files: { "compose.yaml": "services: {a: {image: a, depends_on: [b]}}\n" } },
  one("health checks as a text", "healthcheck: {test: curl -f http://localhost || exit 1, interval: 10s}"),
  one("health checks by a shell", "healthcheck: {test: [CMD-SHELL, 'a && b'], start_interval: 1s, start_period: 5s}"),
  one("health checks that are switched off", "healthcheck: {disable: true}"),
  one("health checks by none", "healthcheck: {test: [NONE]}"),
  one("health checks without a word", "healthcheck: {test: [curl, x]}"),
  one("restart no", 'restart: "no"'),
  one("restart no, as yaml reads it", "restart: no"),
  one("restart on failure, three times", "restart: on-failure:3"),
  one("restart always", "restart: always"),
  one("restart in a word nobody knows", "restart: sometimes"),
  one(
    "deploy, all of it",
    `deploy:
  mode: replicated
  replicas: 3
  endpoint_mode: vip
  resources:
    limits: {cpus: '0.50', memory: 50M, pids: 10}
    reservations: {cpus: '0.25', memory: 20M}
  restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}
  placement: {constraints: [node.labels.zone==eu, "node.hostname != x"]}
  update_config: {parallelism: 2, failure_action: rollback, monitor: 10s, order: start-first, delay: 20s}
  rollback_config: {parallelism: 0, order: stop-first, delay: 1s, failure_action: pause}`,
  ),
  one(
    "an update that goes on when replicas fail",
    "deploy: {update_config: {parallelism: 1, order: stop-first, monitor: 5s, failure_action: continue, max_failure_ratio: 0.3}}",
  ),
  one("scale", "scale: 2"),
  one("scale and replicas that differ", "scale: 2\ndeploy: {replicas: 3}"),
  one("older limits beside deploy", "mem_limit: 64m\ndeploy: {resources: {limits: {memory: 64m}}}"),
  one("older limits beside deploy that differ", "mem_limit: 64m\ndeploy: {resources: {limits: {memory: 65m}}}"),
  one(
    "hooks",
    "post_start: [{command: ./x --y, user: root, environment: [A=1]}]\npre_stop: [{command: [a, b], working_dir: /x, privileged: true}]",
  ),
  one("gpus", "gpus: all"),
  one("gpus, some", "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu, utility]}]}}}"),
];

const settings: readonly OracleCase[] = [
  one(
    "the process",
    "user: 1000:1000\nworking_dir: /app\nhostname: h\ndomainname: d.example\ninit: true\ntty: true\nstdin_open: true\nread_only: true\nstop_signal: SIGINT",
  ),
  one(
    "what it may do",
    "cap_add: [NET_ADMIN, SYS_TIME]\ncap_drop: [ALL]\nsecurity_opt: [no-new-privileges:true, apparmor=unconfined]\nprivileged: true\ngroup_add: [audio, 1000]",
  ),
  one("kernel settings in a list", "sysctls: [net.core.somaxconn=1024, kernel.shmmax=1]"),
  one("kernel settings in a mapping", "sysctls: {net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: 0}"),
  one(
    "names",
    "dns: 8.8.8.8\ndns_search: [a.example, b.example]\ndns_opt: [ndots:1]\nextra_hosts: ['a:10.0.0.1', 'b=10.0.0.2', 'c:host-gateway', 'd:[::1]', 'e=::1']",
  ),
  one("hosts in a mapping", "extra_hosts: {a: 10.0.0.1, b: [10.0.0.2, '::2']}"),
  one(
    "devices",
    "devices: [/dev/snd, '/dev/a:/dev/b', '/dev/c:/dev/d:r', {source: /dev/e, target: /dev/f, permissions: rw}]\ndevice_cgroup_rules: ['c 1:3 mr']",
  ),
  one("shared namespaces", "pid: host\nipc: shareable\nuts: host\nuserns_mode: host\ncgroup: host\nnetwork_mode: host"),
  one("no network", "network_mode: none"),
  one("logging", "logging: {driver: json-file, options: {max-size: 10m, max-file: '3', compress: 'true'}}"),
  one("the disks", "blkio_config: {weight: 300}\noom_score_adj: -500\noom_kill_disable: true\nmem_swappiness: 10"),
  one("a platform", "platform: linux/arm64"),
  one("a policy for pulling", "pull_policy: always"),
  one("a name for the container", "container_name: mine"),
];

const networks: readonly OracleCase[] = [
  {
    title: "networks in every form",
    files: {
      "compose.yaml": `services:
  a: {image: a, networks: [front, back]}
  b:
    image: b
    networks:
      front: {aliases: [bee, b.local], priority: 10}
      back:
  c: {image: c}
  d: {image: d, networks: {outside: {}, default: {aliases: [dee]}}}
networks:
  front: {driver: bridge, internal: true, attachable: true, labels: {a: b}, driver_opts: {com.docker.network.driver.mtu: "1400"}}
  back: {name: real-back}
  outside: {external: true, name: there}
  default: {labels: [x=y]}
`,
    },
  },
  {
    title: "networks with addresses of their own, merged by their subnets",
    manifests: ["a.yaml", "b.yaml"],
    files: {
      "a.yaml": `services: {a: {image: a, networks: {n: {ipv4_address: 172.28.0.5, ipv6_address: "fd00::5"}}}}
networks:
  n:
    enable_ipv6: true
    ipam: {driver: default, config: [{subnet: 172.28.0.0/16, gateway: 172.28.0.1, aux_addresses: {host1: 172.28.1.5}}]}
`,
      "b.yaml":
        "networks: {n: {ipam: {config: [{subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.0.2}, {subnet: 'fd00::/64'}]}}}\n",
    },
  },
  { title: "a network that nobody defined", files: { "compose.yaml": "services: {a: {image: a, networks: [x]}, b: {image: b}}\n" } },
  one("a network beside a network mode", "network_mode: host\nnetworks: [default]"),
];

/** From the words of the Compose Specification, section by section. */
export const oracleCases: readonly OracleCase[] = [
  ...interpolation,
  ...envFiles,
  ...values,
  ...ports,
  ...mounts,
  ...files,
  ...lifecycle,
  ...settings,
  ...networks,
  ...merging,
  ...several,
];

/** Taken by one of the two alone, and why. */
export const takenByOne: Readonly<Record<string, { readonly who: "compose" | "here"; readonly because: string }>> = {
  "a raw file of variables": { who: "here", because: "The library leaves this format to its callers, and docker compose has it." },
  "commands as lists": { who: "here", because: "A number is taken for the text it is written as." },
  "a duration in days": { who: "compose", because: "At most an hour is waited for a process to stop." },
  "a range for one port": { who: "compose", because: "Which port is taken cannot be left open." },
  "a volume that nobody defined": { who: "here", because: "It is made, with a warning, as several products do." },
  "a port that is none": { who: "compose", because: "The engine would refuse it." },
  "a mount from the home": { who: "compose", because: "The home is on another machine." },
  "restart in a word nobody knows": { who: "compose", because: "The engine would refuse it." },
  "no services": { who: "compose", because: "There is nothing to run." },
};
