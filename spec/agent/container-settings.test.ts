import { expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { LABEL } from "../../agent/labels.ts";
import { requireCapability } from "../support/capability.ts";
import { OneNode } from "./one-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const MEBIBYTE = 1_048_576;

describeOnTestbed("what a template says of its container, on a real engine", () => {
  const one = OneNode.forSuite("settings");

  const running = async (template: object, allows?: NodeAllowance): Promise<Placement> => {
    await one.node.start(allows);
    const placement = await one.node.placement(one.image, { template });
    await one.node.assign(placement);
    await one.node.untilHealthy();
    return placement;
  };

  test("a process that is nobody, cannot write but where it may, and can do nothing else", async () => {
    await running({
      user: "65534:65534",
      groups: ["4242"],
      readOnlyRoot: true,
      tmpfs: [{ target: "/scratch", options: "size=1m,mode=1777" }],
      capDrop: ["ALL"],
      securityOptions: ["no-new-privileges"],
      init: true,
      hostname: "keeper",
      domainname: "example.test",
      extraHosts: ["far:192.0.2.7"],
      dns: { servers: ["192.0.2.53"], search: ["example.test"], options: ["ndots:2"] },
      sysctls: { "net.core.somaxconn": "777" },
      ulimits: { nofile: { soft: 512, hard: 1_024 } },
      resources: { pidsLimit: 100, shmSizeBytes: 2 * MEBIBYTE, oomScoreAdjust: 500 },
    });
    expect(await one.inside("id -u; id -G")).toBe("65534\n65534 4242\n");
    await expect(one.inside("echo x > /www/x")).rejects.toThrow(/Read-only file system/);
    expect(await one.inside("echo kept > /scratch/x && cat /scratch/x")).toBe("kept\n");
    expect(await one.inside("df -k /scratch | tail -n 1")).toMatch(/\s1024\s/);
    expect(await one.inside("grep -E '^(CapEff|NoNewPrivs)' /proc/self/status")).toMatch(/CapEff:\s+0+\nNoNewPrivs:\s+1/);
    expect(await one.inside("cat /proc/1/comm; hostname; cat /proc/sys/net/core/somaxconn; ulimit -n; ulimit -Hn")).toBe(
      "docker-init\nkeeper\n777\n512\n1024\n",
    );
    expect(await one.inside("grep far /etc/hosts; grep keeper.example.test /etc/hosts; grep -v '^#' /etc/resolv.conf")).toMatch(
      /192\.0\.2\.7\s+far\n.*keeper\.example\.test keeper\n\nnameserver 192\.0\.2\.53\nsearch example\.test\noptions ndots:2/s,
    );
    expect(await one.inside("cat /proc/self/oom_score_adj; df -k /dev/shm | tail -n 1")).toMatch(/^500\n.*\s2048\s/);
    const observed = await one.node.engine.inspect(one.node.containerId());
    expect(observed?.settings).toBe(observed?.labels[LABEL.settings]);
  });

  test("output is kept as asked; a limit that somebody changes by hand is noticed", async () => {
    await running({
      logging: { driver: "local", maxFileBytes: 20_000, maxFiles: 2 },
      tty: true,
      stdinOpen: true,
      resources: { pidsLimit: 50 },
    });
    const format = "{{.HostConfig.LogConfig.Type}} {{json .HostConfig.LogConfig.Config}} {{.Config.Tty}} {{.Config.OpenStdin}}";
    expect(await one.docker("inspect", "--format", format, one.node.containerId())).toBe(
      'local {"max-file":"2","max-size":"20000"} true true\n',
    );
    await one.docker("update", "--pids-limit", "60", one.node.containerId());
    await one.node.untilHealthy(2);
    await one.node.untilStatus("the cause is told", ({ lastExit }) => lastExit?.cause === "changed");
  });

  test("the node's own network and processes, where the node allows it; its probes are answered there", async () => {
    await running(
      { namespaces: { network: "host", pid: "host" }, health: { kind: "http", path: "/healthz", port: 8080, intervalMs: 200 } },
      NodeAllowance.parse({ namespaces: ["network", "pid"] }),
    );
    expect(await one.inside("hostname; cat /proc/1/comm")).toBe("node1\ndocker-init\n");
    const observed = await one.node.engine.inspect(one.node.containerId());
    expect(observed?.settings).toBe(observed?.labels[LABEL.settings]);
  });

  test("commands after the start and before the stop run in the container, as whom they are told", async () => {
    const script = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
    const template = {
      command: ["sh", "-c", script],
      user: "65534",
      tmpfs: [{ target: "/state", options: "mode=1777" }],
      postStart: [
        {
          command: ["sh", "-c", 'echo "$WORD $(id -u) $(pwd)" > /state/started'],
          user: "0",
          workingDirectory: "/www",
          environment: { WORD: "up" },
        },
      ],
      preStop: [{ command: ["sh", "-c", "cat /state/started; exit 9"] }],
    };
    const placement = await running(template);
    expect(await one.inside("cat /state/started")).toBe("up 0 /www\n");
    await one.node.assign({ ...placement, desired: "stopped" });
    const status = await one.node.untilStatus("it is stopped", ({ current }) => current.phase === "stopped");
    expect(status.lastExit?.message).toMatch(/^stopped as asked.*before the stop ended with code 9: up 0 \/www$/);
  });
});
