import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Placement } from "../../actors/node/contract.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { requireCapability } from "../support/capability.ts";
import { DockerNode } from "./docker-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const VERSION = "0123456789abcdef0123456789abcdef";
const VALUE = "correct horse battery staple";

describeOnTestbed("configs and secrets, on a real engine", () => {
  let bed: Testbed;
  let node: DockerNode;
  let image: Placement["template"]["image"];

  beforeAll(async () => {
    bed = await Testbed.create({ name: "files", nodes: 1 });
    await bed.up();
    const reference = bed.registry.reference(bed.images.bb1);
    image = { reference, digest: await bed.registry.push(bed.images.bb1), source: "registry" };
  });
  afterAll(() => bed.down());
  beforeEach(() => {
    node = new DockerNode(bed, 1);
    node.contents.set("db-password", VALUE);
    node.contents.set("conf", "listen 80\n");
  });
  afterEach(() => node.clear());

  const inside = (script: string): Promise<string> => bed.node(1).docker(["exec", node.containerId(), "sh", "-c", script]);
  const shelf = (): readonly string[] => {
    const directory = join(bed.node(1).memoryDirectory, "agent", "files");
    return existsSync(directory) ? readdirSync(directory) : [];
  };
  const template = {
    user: "65534",
    readOnlyRoot: true,
    files: [
      { kind: "secret", name: "db-password", version: VERSION, target: "/run/secrets/db" },
      { kind: "config", name: "conf", version: VERSION, target: "/etc/app.conf", uid: 65_534, gid: 65_534, mode: 0o400 },
    ],
  };

  test("are files that the process may read and nobody may write; no inspection shows them, and no disk has them", async () => {
    await node.start();
    await node.assign(await node.placement(image, { template }));
    await node.untilHealthy();
    expect(await inside("cat /run/secrets/db; echo; cat /etc/app.conf; stat -c '%u:%g %a' /run/secrets/db /etc/app.conf")).toBe(
      `${VALUE}\nlisten 80\n0:0 444\n65534:65534 400\n`,
    );
    await expect(inside("echo x > /run/secrets/db")).rejects.toThrow(/Read-only file system|Permission denied/);
    expect(await bed.node(1).docker(["inspect", node.containerId()])).not.toContain(VALUE);
    // Whole, as the image's layers and the container's own would have it.
    expect(await bed.node(1).enter(["sh", "-c", `grep -rl "${VALUE}" /var/lib/docker /run/shared || true`])).toBe("");
  });

  test("outlive attempts and the agent while the control plane is away, and go with the placement", async () => {
    await node.start();
    await node.assign(await node.placement(image, { template }));
    await node.untilHealthy();
    node.contents.clear();
    await bed.node(1).docker(["kill", node.containerId()]);
    await node.untilHealthy(2);
    await node.stop();
    await node.start();
    await bed.node(1).docker(["kill", node.containerId()]);
    await node.untilHealthy(3);
    expect(await inside("cat /run/secrets/db")).toBe(VALUE);
    expect(shelf()).toEqual(["web.1.1"]);
    await node.assign();
    await node.until("its files are gone", () => shelf().length === 0);
  });

  test("a container does not start without them, and it is said why; it starts once they can be had", async () => {
    node.contents.clear();
    await node.start();
    await node.assign(await node.placement(image, { template }));
    const { failure } = await node.untilStatus("it is told", ({ failure }) => failure?.code === "file.unavailable");
    expect(failure?.message).toBe("The content of secret db-password cannot be had now: there is none. It is asked for again.");
    node.contents.set("db-password", VALUE).set("conf", "x");
    await node.untilHealthy(2);
  });
});
