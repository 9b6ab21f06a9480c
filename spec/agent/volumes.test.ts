import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import type { Placement } from "../../actors/node/contract.ts";
import { LABEL } from "../../agent/labels.ts";
import { CLAIM_VOLUME } from "../../agent/engine/ownership.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { requireCapability } from "../support/capability.ts";
import { DockerNode } from "./docker-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("volumes and mounts, on a real engine", () => {
  let bed: Testbed;
  let node: DockerNode;
  let image: Placement["template"]["image"];

  beforeAll(async () => {
    bed = await Testbed.create({ name: "volumes", nodes: 1 });
    await bed.up();
    const reference = bed.registry.reference(bed.images.bb1);
    image = { reference, digest: await bed.registry.push(bed.images.bb1), source: "registry" };
  });
  afterAll(() => bed.down());
  beforeEach(() => {
    node = new DockerNode(bed, 1);
  });
  afterEach(() => node.clear());

  const docker = (...args: readonly string[]): Promise<string> => bed.node(1).docker(args);
  const inside = (script: string, placementId?: string): Promise<string> =>
    docker("exec", node.containerId(placementId), "sh", "-c", script);
  /** Besides the one by which the engine is claimed. */
  const volumes = async (): Promise<readonly string[]> =>
    (await docker("volume", "ls", "-q"))
      .trim()
      .split("\n")
      .filter((name) => name !== CLAIM_VOLUME)
      .toSorted();

  test("a named volume is the tenant's, and outlives attempts, placements and the loss of the node's power", async () => {
    await node.start();
    const template = { mounts: [{ kind: "volume", name: "shop_data", target: "/data", labels: { team: "shop" } }] };
    const first = await node.placement(image, { template });
    await node.assign(first);
    await node.untilHealthy();
    await inside("echo kept > /data/x");
    await docker("kill", node.containerId());
    await node.untilHealthy(2);
    expect(await inside("cat /data/x")).toBe("kept\n");

    const next = await node.placement(image, { id: "web.1.2", template });
    await node.assign({ ...first, desired: "stopped" }, next);
    await node.untilHealthy(1, "web.1.2");
    await node.assign(next);
    await node.until("the old one is gone", async () => (await node.engine.list()).length === 1);
    expect(await inside("cat /data/x", "web.1.2")).toBe("kept\n");

    await bed.powerOff(1);
    await bed.powerOn(1);
    await node.untilHealthy(2, "web.1.2");
    expect(await inside("cat /data/x", "web.1.2")).toBe("kept\n");

    await node.assign();
    await node.until("no container is left", async () => (await node.engine.list()).length === 0);
    expect(await volumes()).toEqual(["ody-acme-shop_data"]);
    const format = `{{index .Labels "${LABEL.tenant}"}} {{index .Labels "${LABEL.volume}"}} {{.Labels.team}}`;
    expect(await docker("volume", "inspect", "--format", format, "ody-acme-shop_data")).toBe("acme shop_data shop\n");
    await docker("volume", "rm", "ody-acme-shop_data");
  });

  test("one without a name goes with its container; a read-only one is", async () => {
    await node.start();
    const mounts = [
      { kind: "anonymous", target: "/cache" },
      { kind: "volume", name: "ro", target: "/ro", readOnly: true },
    ];
    await node.assign(await node.placement(image, { template: { mounts } }));
    await node.untilHealthy();
    await inside("echo x > /cache/x");
    await expect(inside("echo x > /ro/x")).rejects.toThrow(/Read-only file system/);
    expect(await volumes()).toHaveLength(2);
    const observed = await node.engine.inspect(node.containerId());
    expect(observed?.settings).toBe(observed?.labels[LABEL.settings]);
    await node.assign();
    await node.until("only the named one is left", async () => (await volumes()).join() === "ody-acme-ro");
    await docker("volume", "rm", "ody-acme-ro");
  });

  test("one that is said to be there already is not made, and is used once it is there", async () => {
    await node.start(NodeAllowance.parse({ volumes: ["legacy"] }));
    const mounts = [{ kind: "volume", name: "legacy", target: "/legacy", external: true }];
    await node.assign(await node.placement(image, { template: { mounts } }));
    const status = await node.untilStatus("it is refused", ({ failure }) => failure?.code === "volume.missing");
    expect(status.failure?.message).toMatch(/There is no volume legacy on this node/);
    await docker("volume", "create", "legacy");
    await node.untilHealthy(2);
    await node.assign();
    await node.until("no container is left", async () => (await node.engine.list()).length === 0);
    expect(await volumes()).toEqual(["legacy"]);
    await docker("volume", "rm", "legacy");
  });

  test("a directory of the node is mounted where the node allows it; a link that leads out of it is not followed", async () => {
    const trap = mkdtempSync(join(tmpdir(), "odysseus-trap-"));
    try {
      symlinkSync("/etc", join(trap, "link"));
      await node.start(NodeAllowance.parse({ bindPaths: ["/opt/media", trap] }));
      await bed.node(1).enter("mkdir -p /opt/media/films && echo reel > /opt/media/films/a");
      const mounted = (source: string): object => ({ mounts: [{ kind: "bind", source, target: "/media", readOnly: true }] });
      await node.assign(
        await node.placement(image, { template: mounted("/opt/media/films") }),
        await node.placement(image, { id: "other.1.1", template: mounted("/opt") }),
        await node.placement(image, { id: "trapped.1.1", template: mounted(join(trap, "link", "ssh")) }),
      );
      await node.untilHealthy();
      expect(await inside("cat /media/a")).toBe("reel\n");
      await expect(inside("echo x > /media/b")).rejects.toThrow(/Read-only file system/);
      for (const id of ["other.1.1", "trapped.1.1"]) {
        const { failure } = await node.untilStatus("it is refused", ({ failure }) => failure !== undefined, id);
        expect(failure).toMatchObject({ code: "node.not-allowed", permanent: true });
      }
    } finally {
      rmSync(trap, { recursive: true });
    }
  });
});
