import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import { LABEL } from "../../agent/labels.ts";
import { CLAIM_VOLUME } from "../../agent/engine/ownership.ts";
import { requireCapability } from "../support/capability.ts";
import { OneNode } from "./one-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("volumes and mounts, on a real engine", () => {
  const one = OneNode.forSuite("volumes");

  /** Besides the one by which the engine is claimed. */
  const volumes = async (): Promise<readonly string[]> =>
    (await one.docker("volume", "ls", "-q"))
      .trim()
      .split("\n")
      .filter((name) => name !== CLAIM_VOLUME)
      .toSorted();

  test("a named volume is the tenant's, and outlives attempts, placements and the loss of the node's power", async () => {
    await one.node.start();
    const template = { mounts: [{ kind: "volume", name: "shop_data", target: "/data", labels: { team: "shop" } }] };
    const first = await one.node.placement(one.image, { template });
    await one.node.assign(first);
    await one.node.untilHealthy();
    await one.inside("echo kept > /data/x");
    await one.docker("kill", one.node.containerId());
    await one.node.untilHealthy(2);
    expect(await one.inside("cat /data/x")).toBe("kept\n");

    const next = await one.node.placement(one.image, { id: "web.1.2", template });
    await one.node.assign({ ...first, desired: "stopped" }, next);
    await one.node.untilHealthy(1, "web.1.2");
    await one.node.assign(next);
    await one.node.until("the old one is gone", async () => (await one.node.engine.list()).length === 1);
    expect(await one.inside("cat /data/x", "web.1.2")).toBe("kept\n");

    await one.bed.powerOff(1);
    await one.bed.powerOn(1);
    await one.node.untilHealthy(2, "web.1.2");
    expect(await one.inside("cat /data/x", "web.1.2")).toBe("kept\n");

    await one.node.assign();
    await one.node.until("no container is left", async () => (await one.node.engine.list()).length === 0);
    expect(await volumes()).toEqual(["ody-acme-shop_data"]);
    const format = `{{index .Labels "${LABEL.tenant}"}} {{index .Labels "${LABEL.volume}"}} {{.Labels.team}}`;
    expect(await one.docker("volume", "inspect", "--format", format, "ody-acme-shop_data")).toBe("acme shop_data shop\n");
    await one.docker("volume", "rm", "ody-acme-shop_data");
  });

  test("one without a name goes with its container; a read-only one is", async () => {
    await one.node.start();
    const mounts = [
      { kind: "anonymous", target: "/cache" },
      { kind: "volume", name: "ro", target: "/ro", readOnly: true },
    ];
    await one.node.assign(await one.node.placement(one.image, { template: { mounts } }));
    await one.node.untilHealthy();
    await one.inside("echo x > /cache/x");
    await expect(one.inside("echo x > /ro/x")).rejects.toThrow(/Read-only file system/);
    expect(await volumes()).toHaveLength(2);
    const observed = await one.node.engine.inspect(one.node.containerId());
    expect(observed?.settings).toBe(observed?.labels[LABEL.settings]);
    await one.node.assign();
    await one.node.until("only the named one is left", async () => (await volumes()).join() === "ody-acme-ro");
    await one.docker("volume", "rm", "ody-acme-ro");
  });

  test("one that is said to be there already is not made, and is used once it is there", async () => {
    await one.node.start(NodeAllowance.parse({ volumes: ["legacy"] }));
    const mounts = [{ kind: "volume", name: "legacy", target: "/legacy", external: true }];
    await one.node.assign(await one.node.placement(one.image, { template: { mounts } }));
    const status = await one.node.untilStatus("it is refused", ({ failure }) => failure?.code === "volume.missing");
    expect(status.failure?.message).toMatch(/There is no volume legacy on this node/);
    await one.docker("volume", "create", "legacy");
    await one.node.untilHealthy(2);
    await one.node.assign();
    await one.node.until("no container is left", async () => (await one.node.engine.list()).length === 0);
    expect(await volumes()).toEqual(["legacy"]);
    await one.docker("volume", "rm", "legacy");
  });

  test("a directory of the node is mounted where the node allows it; a link that leads out of it is not followed", async () => {
    const trap = mkdtempSync(join(tmpdir(), "odysseus-trap-"));
    try {
      symlinkSync("/etc", join(trap, "link"));
      await one.node.start(NodeAllowance.parse({ bindPaths: ["/opt/media", trap] }));
      await one.bed.node(1).enter("mkdir -p /opt/media/films && echo reel > /opt/media/films/a");
      const mounted = (source: string): object => ({ mounts: [{ kind: "bind", source, target: "/media", readOnly: true }] });
      await one.node.assign(
        await one.node.placement(one.image, { template: mounted("/opt/media/films") }),
        await one.node.placement(one.image, { id: "other.1.1", template: mounted("/opt") }),
        await one.node.placement(one.image, { id: "trapped.1.1", template: mounted(join(trap, "link", "ssh")) }),
      );
      await one.node.untilHealthy();
      expect(await one.inside("cat /media/a")).toBe("reel\n");
      await expect(one.inside("echo x > /media/b")).rejects.toThrow(/Read-only file system/);
      for (const id of ["other.1.1", "trapped.1.1"]) {
        const { failure } = await one.node.untilStatus("it is refused", ({ failure }) => failure !== undefined, id);
        expect(failure).toMatchObject({ code: "node.not-allowed", permanent: true });
      }
    } finally {
      rmSync(trap, { recursive: true });
    }
  });
});
