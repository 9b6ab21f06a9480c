import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../../ops/testbed/command.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { requireCapability } from "../../support/capability.ts";
import { tracesOf } from "./traces.ts";

const SILENCE_MS = 1_000;
const BACK_TIMEOUT_MS = 15_000;

const describeOnTestbed = await requireCapability("testbed");

const get = async (url: string): Promise<string> => (await fetch(url, { signal: AbortSignal.timeout(SILENCE_MS) })).text();
const answers = (url: string): Promise<boolean> =>
  get(url).then(
    () => true,
    () => false,
  );

describeOnTestbed("three engines on one machine", () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "three", nodes: 3 });
    await bed.up();
    await Promise.all([1, 2, 3].map((node) => bed.loadImages(node)));
  });

  afterAll(async () => {
    await bed.down();
    expect(tracesOf(bed)).toEqual([]);
  });

  const runWeb = (node: number, name: string, port: number, ...more: readonly string[]): Promise<string> =>
    bed.node(node).docker(["run", "-d", "--name", name, "-p", `${port}:8080`, ...more, "odysseus-test/bb:1"]);

  test("each runs its own containers, which the machine reaches at the node's address", async () => {
    await Promise.all([1, 2, 3].map((node) => runWeb(node, "web", 8001, "--hostname", `web-on-${node}`)));
    for (const node of bed.nodes) {
      await until("the container serves", () => answers(`http://${node.address}:8001/healthz`), BACK_TIMEOUT_MS);
      expect(await get(`http://${node.address}:8001/cgi-bin/id`)).toBe(`web-on-${node.number} 1\n`);
    }
  });

  test("a node that loses its power falls silent, and comes back with its disk", async () => {
    await runWeb(2, "lasting", 8002, "--restart", "always");
    await bed.powerOff(2);
    expect(bed.node(2).isPoweredOn).toBe(false);
    await expect(get(`http://${bed.node(2).address}:8002/`)).rejects.toThrow();
    await bed.powerOn(2);
    await until("the container serves again", () => answers(`http://${bed.node(2).address}:8002/`), BACK_TIMEOUT_MS);
  });

  test("directories are shared with the machine: one that stays, and one in memory that is empty after a loss of power", async () => {
    const { shared, memoryDirectory } = bed.node(2);
    writeFileSync(join(shared.onMachine, "kept"), "a");
    writeFileSync(join(memoryDirectory, "lost"), "b");
    expect(await bed.node(2).enter(["cat", `${shared.inNode}/kept`, `${memoryDirectory}/lost`])).toBe("ab");
    expect((await bed.node(2).enter(["stat", "-f", "-c", "%T", memoryDirectory])).trim()).toBe("tmpfs");
    await bed.powerOff(2);
    await bed.powerOn(2);
    expect(await bed.node(2).enter(`cat ${shared.inNode}/kept; ls ${memoryDirectory}`)).toBe("a");
  });

  test("a partitioned node answers nobody with silence, not with refusals, and keeps running", async () => {
    await runWeb(3, "cut-off", 8003);
    const url = `http://${bed.node(3).address}:8003/`;
    await until("the container serves", () => answers(url), BACK_TIMEOUT_MS);
    await bed.partition(3);
    await expect(get(url)).rejects.toThrow(/timeout/);
    await expect(bed.node(1).enter(`busybox wget -qO- -T 1 ${url}`)).rejects.toThrow(/timed out/);
    expect(await bed.node(3).docker(["inspect", "-f", "{{.State.Running}}", "cut-off"])).toBe("true\n");
    await bed.heal(3);
    await until("the container is reached again", () => answers(url), BACK_TIMEOUT_MS);
  });

  test("a cut stops one direction only", async () => {
    const echoesAt1 = async (): Promise<number> => {
      const [names = "", values = ""] = (await bed.node(1).enter("grep ^Icmp: /proc/net/snmp")).split("\n");
      return Number(values.split(" ")[names.split(" ").indexOf("InEchos")]);
    };
    const ping2to1 = (): Promise<string> => bed.node(2).enter(`busybox ping -c 1 -W 5 ${bed.node(1).address}`);
    await ping2to1();
    await bed.cut(1, 2);
    const before = await echoesAt1();
    await expect(ping2to1()).rejects.toThrow();
    expect(await echoesAt1()).toBe(before + 1);
    await bed.uncut(1, 2);
    await ping2to1();
  });

  test("the machine's own words to a node can be cut, too", async () => {
    const url = `http://${bed.node(1).address}:8001/`;
    await until("node 1 is reached", () => answers(url), BACK_TIMEOUT_MS);
    await bed.cut("machine", 1);
    expect(await answers(url)).toBe(false);
    await bed.uncut("machine", 1);
    await until("node 1 is reached again", () => answers(url), BACK_TIMEOUT_MS);
  });

  test("nodes pull from the registry; a moved tag brings other content; without the registry a pull is refused at once", async () => {
    const { bb1, bb2 } = bed.images;
    const reference = bed.registry.reference(bb1);
    const pull = (): Promise<string> => bed.node(2).docker(["pull", reference]);
    const digest1 = await bed.registry.push(bb1);
    expect(await pull()).toContain(digest1);
    const digest2 = await bed.registry.push(bb2, "1");
    expect(digest2).not.toBe(digest1);
    expect(await pull()).toContain(digest2);
    await bed.registry.stop();
    await expect(pull()).rejects.toThrow(/connection refused/);
    await bed.registry.start();
    expect(await pull()).toContain(digest2);
    expect(await bed.registry.push(bb1)).toBe(digest1);
  });

  test("an image for another platform is refused by a pull", async () => {
    await expect(bed.node(1).docker(["pull", bed.registry.reference(bed.images.alien)])).rejects.toThrow(/no matching manifest/);
  });

  test("a process killed behind the engine's back ends its container", async () => {
    await bed.node(1).docker(["run", "-d", "--name", "victim", "odysseus-test/bb:1"]);
    await bed.killProcess(1, "victim");
    expect(await bed.node(1).docker(["wait", "victim"])).toBe("137\n");
  });

  test("containers end with their engine, unless it was told to keep them", async () => {
    await bed.node(1).docker(["run", "-d", "--name", "with-engine", "odysseus-test/bb:1"]);
    await bed.restartEngine(1);
    expect(await bed.node(1).docker(["inspect", "-f", "{{.State.Running}}", "with-engine"])).toBe("false\n");

    const keeping = await Testbed.create({ name: "keeping", nodes: 1, onEngineStop: "keep-containers" });
    try {
      await keeping.up();
      await keeping.loadImages(1);
      await keeping.node(1).docker(["run", "-d", "--name", "lasting", "odysseus-test/bb:1"]);
      const pid = await keeping.containerPid(1, "lasting");
      await keeping.killEngine(1);
      await expect(keeping.node(1).docker(["ps"])).rejects.toThrow(/Cannot connect/);
      await keeping.startEngine(1);
      expect(await keeping.containerPid(1, "lasting")).toBe(pid);
    } finally {
      await keeping.down();
    }
    expect(tracesOf(keeping)).toEqual([]);
  });

  test("test images: one crashes with code 3 after a second, one turns sick on demand", async () => {
    await bed.node(1).docker(["run", "-d", "--name", "crash", "odysseus-test/crash:1"]);
    await bed.node(1).docker(["run", "-d", "--name", "sick", "-p", "8005:8080", "odysseus-test/sick:1"]);
    const health = async (): Promise<number> => (await fetch(`http://${bed.node(1).address}:8005/healthz`)).status;
    await until("the container serves", () => answers(`http://${bed.node(1).address}:8005/`), BACK_TIMEOUT_MS);
    expect(await health()).toBe(200);
    await bed.node(1).docker(["exec", "sick", "touch", "/tmp/sick"]);
    expect(await health()).toBe(500);
    expect(await bed.node(1).docker(["wait", "crash"])).toBe("3\n");
  });

  test("a program of the machine can run on a node: in its network, until its power is gone", async () => {
    const guest = bed.node(3).spawn(["sh", "-c", "ip -4 -o address show dev eth0; exec sleep 600"]);
    const said = await new Promise<string>((resolve) => guest.child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString())));
    expect(said).toContain(bed.node(3).address);
    const ended = new Promise((resolve) => guest.child.once("exit", resolve));
    await bed.powerOff(3);
    await ended;
    await bed.powerOn(3);
  });

  test("a second testbed of the same name gets a name of its own", async () => {
    const second = await Testbed.create({ name: "three", nodes: 1 });
    expect(second.name).not.toBe(bed.name);
    expect(second.address).not.toBe(bed.address);
    await second.down();
    expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).toContain(bed.token);
  });
});
