import { describe, expect, test } from "vitest";
import { DeploymentSpec, type DeploymentSpecInput } from "../../../actors/deployment/contract.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";

const PROFILE = '{ "defaultAction": "SCMP_ACT_ALLOW" }';

function read(fields: string): ReturnType<typeof readProject> {
  const text = `services:\n  web:\n    image: nginx:1\n${fields.replaceAll(/^/gm, "    ")}`;
  const files = {
    read: (path: string) => (path === "profile.json" ? ({ kind: "text", text: PROFILE } as const) : ({ kind: "absent" } as const)),
  };
  return readProject({ manifests: [{ file: "compose.yaml", text }], files });
}

function specOf(fields: string): DeploymentSpecInput {
  const { services, findings } = read(fields);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  const spec = services[0]?.spec ?? { image: "none" };
  expect(DeploymentSpec.safeParse(spec).error?.issues).toBeUndefined();
  return spec;
}

const messagesOf = (fields: string): readonly string[] =>
  read(fields).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

describe("what a service says of its container", () => {
  test("its process, and what it may do", () => {
    const spec = specOf(`
init: true
tty: true
stdin_open: "true"
read_only: true
hostname: keeper
domainname: example.test
group_add: [staff, 4242]
cap_add: [CAP_NET_ADMIN, sys_ptrace]
cap_drop: [ALL]
security_opt: ["no-new-privileges:true", "seccomp:./profile.json", "apparmor=unconfined"]
sysctls: [net.core.somaxconn=1024]
ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, memlock: -1}
annotations: {com.example.owner: shop}`);
    expect(spec).toEqual({
      image: "nginx:1",
      init: true,
      tty: true,
      stdinOpen: true,
      readOnlyRoot: true,
      hostname: "keeper",
      domainname: "example.test",
      groups: ["staff", "4242"],
      capAdd: ["NET_ADMIN", "SYS_PTRACE"],
      capDrop: ["ALL"],
      securityOptions: ["no-new-privileges=true", 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "apparmor=unconfined"],
      sysctls: { "net.core.somaxconn": "1024" },
      ulimits: { nproc: { soft: 65_535, hard: 65_535 }, nofile: { soft: 20_000, hard: 40_000 }, memlock: { soft: -1, hard: -1 } },
      annotations: { "com.example.owner": "shop" },
    });
  });

  test("names it knows, and memory that looks like a directory", () => {
    expect(
      specOf(`
extra_hosts: ["far:192.0.2.7", "six=[::1]", "host.docker.internal:host-gateway"]
dns: 192.0.2.53
dns_search: [a.test, b.test]
dns_opt: ["ndots:2"]
tmpfs: ["/run:size=64m,mode=1777", /tmp]`),
    ).toEqual({
      image: "nginx:1",
      extraHosts: ["far:192.0.2.7", "six:::1", "host.docker.internal:host-gateway"],
      dns: { servers: ["192.0.2.53"], search: ["a.test", "b.test"], options: ["ndots:2"] },
      tmpfs: [{ target: "/run", options: "size=64m,mode=1777" }, { target: "/tmp" }],
    });
    expect(specOf("extra_hosts: {far: [192.0.2.7, 192.0.2.8]}")).toMatchObject({ extraHosts: ["far:192.0.2.7", "far:192.0.2.8"] });
  });

  test("limits, in Compose's older words too", () => {
    expect(
      specOf(`
cpu_shares: 512
cpuset: 0-1,3
cpu_quota: 50000
cpu_period: 25000
mem_limit: 64m
memswap_limit: 128m
mem_swappiness: 10
oom_score_adj: -500
pids_limit: 100
shm_size: 2gb
blkio_config: {weight: 300}`),
    ).toEqual({
      image: "nginx:1",
      resources: {
        cpuShares: 512,
        cpuset: "0-1,3",
        cpuLimitMillis: 2_000,
        memoryLimitBytes: 64 * 2 ** 20,
        memorySwapLimitBytes: 128 * 2 ** 20,
        memorySwappiness: 10,
        oomScoreAdjust: -500,
        pidsLimit: 100,
        shmSizeBytes: 2 * 2 ** 30,
        blockWeight: 300,
      },
    });
    expect(specOf("pids_limit: -1\ncpu_shares: 0\ncpu_quota: -1\nshm_size: 0\nmemswap_limit: 0")).toEqual({ image: "nginx:1" });
    expect(specOf("deploy: {resources: {limits: {pids: 10}}}")).toEqual({ image: "nginx:1", resources: { pidsLimit: 10 } });
    expect(messagesOf("memswap_limit: 1g")).toEqual([expect.stringMatching(/error .*A limit on swap needs one on memory/)]);
    expect(messagesOf("pids_limit: 5\ndeploy: {resources: {limits: {pids: 10}}}")).toEqual([
      expect.stringMatching(/Two fields about this limit say different things/),
    ]);
  });

  test("how its output is kept", () => {
    expect(specOf("logging: {driver: local, options: {max-size: 5m, max-file: 2, compress: 'false'}}")).toEqual({
      image: "nginx:1",
      logging: { driver: "local", maxFileBytes: 5_000_000, maxFiles: 2, compressed: false },
    });
    expect(specOf("logging: {options: {mode: non-blocking, max-buffer-size: 4m}}")).toMatchObject({
      logging: { bufferBytes: 4 * 2 ** 20 },
    });
    expect(specOf("logging: {driver: json-file}")).toEqual({ image: "nginx:1", logging: { driver: "json-file" } });
    expect(messagesOf("logging: {driver: syslog}")).toEqual([
      expect.stringMatching(/warning .*logging\.driver: Output is not sent to syslog: it is kept on the node/),
    ]);
    expect(messagesOf("logging: {options: {max-size: -1}}")).toEqual([expect.stringMatching(/would fill the node's disk/)]);
    expect(messagesOf("logging: {options: {tag: x}}")).toEqual([expect.stringMatching(/^warning .*odysseus logs does not show/)]);
  });

  test("commands after the start and before the stop", () => {
    expect(
      specOf(`
post_start:
  - command: ./migrate.sh --all
    user: root
    working_dir: /srv
    environment: [MODE=once]
pre_stop:
  - command: [kill, -USR1, "1"]`),
    ).toEqual({
      image: "nginx:1",
      postStart: [{ command: ["./migrate.sh", "--all"], user: "root", workingDirectory: "/srv", environment: { MODE: "once" } }],
      preStop: [{ command: ["kill", "-USR1", "1"] }],
    });
    expect(messagesOf("post_start: [{user: root}]")).toEqual([expect.stringMatching(/error .*A command is missing/)]);
  });

  test("what reaches into its node, with a word about who allows it", () => {
    expect(
      specOf(`
privileged: true
network_mode: host
pid: host
ipc: shareable
devices: ["/dev/snd", "/dev/ttyUSB0:/dev/modem:rw", {source: /dev/kvm}]
device_cgroup_rules: ["c 10:* rwm"]
gpus: all`),
    ).toEqual({
      image: "nginx:1",
      privileged: true,
      namespaces: { network: "host", pid: "host", ipc: "shareable" },
      devices: [{ source: "/dev/snd" }, { source: "/dev/ttyUSB0", target: "/dev/modem", permissions: "rw" }, { source: "/dev/kvm" }],
      deviceRules: ["c 10:* rwm"],
      gpus: [{ count: -1 }],
    });
    expect(messagesOf("privileged: true")).toEqual([expect.stringMatching(/^warning services\.web\.privileged: .*allow\.privileged/)]);
    expect(specOf("privileged: false\nnetwork_mode: bridge\ncgroup: private")).toEqual({
      image: "nginx:1",
      namespaces: { cgroup: "private" },
    });
    expect(messagesOf("network_mode: service:db")).toEqual([expect.stringMatching(/^error .*they may be on different nodes/)]);
    expect(messagesOf("pid: everywhere")).toEqual([expect.stringMatching(/^error .*is not one of host/)]);
    expect(specOf("deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}")).toMatchObject({
      gpus: [{ driver: "nvidia", count: 1, capabilities: ["gpu"] }],
    });
  });

  test("ports are not published where it has no network of its own", () => {
    expect(messagesOf("network_mode: none\nports: ['80:80']")).toEqual([
      expect.stringMatching(/^warning services\.web\.ports: With network_mode none/),
    ]);
  });
});
