import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { type FolderFile, folderBytes } from "../../actors/deployment/folder-contract.ts";
import { requireCapability } from "../support/capability.ts";
import { OneNode } from "./one-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const VERSION = "0123456789abcdef0123456789abcdef";
const VALUE = "correct horse battery staple";

describeOnTestbed("configs and secrets, on a real engine", () => {
  const one = OneNode.forSuite("files");
  beforeEach(() => {
    one.node.contents.set("db-password", VALUE);
    one.node.contents.set("conf", "listen 80\n");
  });

  const shelf = (): readonly string[] => {
    const directory = join(one.bed.node(1).memoryDirectory, "agent", "files");
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
    await one.node.start();
    await one.node.assign(await one.node.placement(one.image, { template }));
    await one.node.untilHealthy();
    expect(await one.inside("cat /run/secrets/db; echo; cat /etc/app.conf; stat -c '%u:%g %a' /run/secrets/db /etc/app.conf")).toBe(
      `${VALUE}\nlisten 80\n0:0 444\n65534:65534 400\n`,
    );
    await expect(one.inside("echo x > /run/secrets/db")).rejects.toThrow(/Read-only file system|Permission denied/);
    expect(await one.docker("inspect", one.node.containerId())).not.toContain(VALUE);
    // Whole, as the image's layers and the container's own would have it.
    expect(await one.bed.node(1).enter(["sh", "-c", `grep -rl "${VALUE}" /var/lib/docker /run/shared || true`])).toBe("");
  });

  test("of a folder take the place of what the image has there, programs among them, with room for what is mounted among them", async () => {
    const text = (path: string, content: string, isProgram = false): FolderFile => ({
      path,
      value: Buffer.from(content).toString("base64"),
      isProgram,
    });
    const files = [text("hello", "#!/bin/sh\necho hello\n", true), text("conf.d/a.conf", "listen 81\n")];
    one.node.contents.set("scripts", Buffer.from(folderBytes(files)).toString("utf8"));
    const folder = { kind: "folder", name: "scripts", version: VERSION, target: "/www", uid: 65_534 };
    const among = { kind: "config", name: "conf", version: VERSION, target: "/www/conf.d/b.conf" };
    await one.node.start();
    const given = { files: [folder, among], tmpfs: [{ target: "/www/run" }] };
    await one.node.assign(await one.node.placement(one.image, { template: { ...template, ...given } }));
    await one.node.untilHealthy();
    expect(await one.inside("cd /www; ls; ./hello; cat conf.d/a.conf conf.d/b.conf; stat -c '%u %a' hello conf.d/a.conf conf.d")).toBe(
      "conf.d\nhello\nrun\nhello\nlisten 81\nlisten 80\n65534 555\n65534 444\n0 755\n",
    );
    await expect(one.inside("echo x > /www/y")).rejects.toThrow(/Read-only file system|Permission denied/);
    expect(await one.bed.node(1).enter(["sh", "-c", 'grep -rl "listen 81" /var/lib/docker /run/shared || true'])).toBe("");
  });

  test("outlive attempts and the agent while the control plane is away, and go with the placement", async () => {
    await one.node.start();
    await one.node.assign(await one.node.placement(one.image, { template }));
    await one.node.untilHealthy();
    one.node.contents.clear();
    await one.docker("kill", one.node.containerId());
    await one.node.untilHealthy(2);
    await one.node.stop();
    await one.node.start();
    await one.docker("kill", one.node.containerId());
    await one.node.untilHealthy(3);
    expect(await one.inside("cat /run/secrets/db")).toBe(VALUE);
    expect(shelf()).toEqual(["web.1.1"]);
    await one.node.assign();
    await one.node.until("its files are gone", () => shelf().length === 0);
  });

  test("a container does not start without them, and it is said why; it starts once they can be had", async () => {
    one.node.contents.clear();
    await one.node.start();
    await one.node.assign(await one.node.placement(one.image, { template }));
    const { failure } = await one.node.untilStatus("it is told", ({ failure }) => failure?.code === "file.unavailable");
    expect(failure?.message).toBe("The content of secret db-password cannot be had now: there is none. It is asked for again.");
    one.node.contents.set("db-password", VALUE).set("conf", "x");
    await one.node.untilHealthy(2);
  });
});
