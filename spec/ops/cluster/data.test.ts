import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";

const VALUE = "correct-horse-battery-staple";
const NEXT_VALUE = "troubador-and-three-1937";

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a manifest with data and secrets, on two real engines", () => {
  let cluster: Cluster;
  let project: string;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "data", nodes: 2 });
    project = mkdtempSync(join(tmpdir(), "odysseus-data-"));
  });
  afterAll(async () => {
    rmSync(project, { recursive: true, force: true });
    await cluster.stop();
  });

  const manifest = (greeting: string): string => `
name: shop
services:
  db:
    image: ${cluster.image("bb1")}
    user: "65534"
    read_only: true
    cap_drop: [ALL]
    environment: {GREETING: ${greeting}}
    tmpfs: ["/scratch:mode=1777"]
    volumes: ["data:/www/data", "./scratch:/var/scratch", "./greet:/bin/greet:ro"]
    secrets: [password]
    configs: [{source: conf, target: /etc/app.conf, mode: 0444}]
    x-odysseus: {health: {kind: http, path: /healthz, port: 8080, intervalMs: 200}, rollout: {minHealthyMs: 100}}
    deploy: {replicas: 2, update_config: {order: stop-first, failure_action: rollback}}
  web:
    image: ${cluster.image("bb1")}
    depends_on: [db]
    x-odysseus: {rollout: {minHealthyMs: 100}}
volumes: {data: }
secrets: {password: {file: password.txt}}
configs: {conf: {content: "listen 80"}}
`;
  const write = (greeting: string, password: string): void => {
    writeFileSync(join(project, "compose.yaml"), manifest(greeting));
    writeFileSync(join(project, "password.txt"), password);
    writeFileSync(join(project, "greet"), `#!/bin/sh\necho "${greeting}"\n`, { mode: 0o755 });
  };
  const file = (): string => join(project, "compose.yaml");
  const apply = (): Promise<string> => cluster.run("apply", file(), "--wait");
  const first = async (): Promise<{ readonly node: number; readonly containerId: string }> => {
    const [container] = await cluster.containers("shop-db");
    return { node: Number(container?.node?.slice(1)), containerId: container?.containerId ?? "" };
  };
  const inside = async (script: string, user = "65534"): Promise<string> => {
    const { node, containerId } = await first();
    return cluster.bed.node(node).docker(["exec", "-u", user, containerId, "sh", "-c", script]);
  };
  /** Databases with their logs, what the programs wrote, what agents remember. */
  const filesWith = (value: string): string => {
    const places = [cluster.home, ...cluster.bed.nodes.map(({ shared }) => shared.onMachine)];
    return execFileSync("sh", ["-c", `grep -rla "${value}" ${places.join(" ")} || true`], { encoding: "utf8" });
  };

  test("replicas share a volume on one node, find each other by name, run a script from beside the manifest, and read a secret that is written nowhere", async () => {
    write("one", VALUE);
    await apply();
    const containers = await cluster.containers("shop-db");
    expect(new Set(containers.map(({ node }) => node)).size).toBe(1);
    expect(await inside("cat /run/secrets/password; echo; cat /etc/app.conf; id -u")).toBe(`${VALUE}\nlisten 8065534\n`);
    await inside("echo kept > /www/data/x", "0");
    expect(await inside("greet")).toBe("one\n");

    const [web] = await cluster.containers("shop-web");
    expect(web?.node).toBe(containers[0]?.node);
    const ask = "wget -qO- -T 2 http://db:8080/healthz";
    expect(await cluster.bed.node(Number(web?.node?.slice(1))).docker(["exec", web?.containerId ?? "", "sh", "-c", ask])).toBe("ok\n");

    const { node, containerId } = await first();
    expect(await cluster.bed.node(node).docker(["inspect", containerId])).not.toContain(VALUE);
    const answers = await Promise.all([
      cluster.api("GET", "/deployments/shop-db"),
      cluster.api("GET", "/stacks/shop"),
      cluster.api("GET", "/deployments/shop-db/history"),
      cluster.api("GET", "/audit?limit=500"),
      cluster.api("GET", "/containers?deployment=shop-db"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const inBase64 = Buffer.from(VALUE).toString("base64");
    for (const { body } of answers) {
      expect(JSON.stringify(body)).not.toContain(VALUE);
      expect(JSON.stringify(body)).not.toContain(inBase64);
    }
    expect(filesWith(VALUE)).toBe("");
    expect(filesWith(inBase64)).toBe("");
    expect(filesWith("shop_password")).not.toBe("");
  });

  test("the same file again changes nothing; another secret is a new revision, and the data stays", async () => {
    const before = (await cluster.deployment("shop-db")).revision;
    expect(await apply()).toContain("nothing to change");
    write("one", NEXT_VALUE);
    const { stdout } = await cluster.cli("plan", file());
    expect(stdout).toMatch(/files/);
    expect(stdout).not.toContain(NEXT_VALUE);
    await apply();
    expect((await cluster.deployment("shop-db")).revision).toBe(before + 1);
    expect(await inside("cat /run/secrets/password; cat /www/data/x")).toBe(`${NEXT_VALUE}kept\n`);
    expect(filesWith(NEXT_VALUE)).toBe("");
  });

  test("after a loss of the node's power, its replicas come back there, with their data and secrets", async () => {
    const { node } = await first();
    await inside("echo lost > /scratch/x");
    const before = (await cluster.containers("shop-db")).map(({ containerId }) => containerId);
    await cluster.killAgent(node);
    await cluster.bed.powerOff(node);
    await cluster.bed.powerOn(node);
    await cluster.startAgent(node);
    await cluster.until("both run anew", async () => {
      const containers = await cluster.containers("shop-db");
      return (
        containers.length === 2 && containers.every(({ health, containerId }) => health === "healthy" && !before.includes(containerId))
      );
    });
    expect((await first()).node).toBe(node);
    expect(await inside("cat /run/secrets/password; cat /www/data/x")).toBe(`${NEXT_VALUE}kept\n`);
    await expect(inside("cat /scratch/x")).rejects.toThrow(/No such file/);
  });

  test("a volume is listed with its node and users, and deleted with its data once nobody uses it", async () => {
    const { node } = await first();
    const listed = (await cluster.api("GET", "/volumes")).body;
    expect(listed).toMatchObject({ items: [{ name: "shop_data", nodes: [`n${node}`], users: ["shop-db"] }, { name: "shop_scratch" }] });
    expect((await cluster.api("DELETE", "/volumes/shop_data")).body).toMatchObject({ code: "volume.in-use" });
    await cluster.run("stack", "delete", "shop", "--wait");
    expect((await cluster.api("DELETE", "/volumes/shop_data")).body).toMatchObject({ nodes: [{ node: `n${node}`, data: "removed" }] });
    expect(await cluster.bed.node(node).docker(["volume", "ls", "-q", "--filter", "name=ody-"])).toBe("ody-default-shop_scratch\n");
    expect((await cluster.api("GET", "/volumes")).body).toMatchObject({ items: [{ name: "shop_scratch", users: [] }] });
  });

  test("a folder that is only read is what a container sees in its place; what changes in it is told by name, and replaces who uses it", async () => {
    const folder = join(project, "site");
    const write = (path: string, content: string, mode = 0o644): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content, { mode });
    };
    const script = "for each in /init.d/*; do $each > /tmp/$(basename $each) || exit 1; done; exec until-term httpd -f -p 8080 -h /www";
    const web = {
      image: cluster.image("bb1"),
      command: ["sh", "-c", script.replaceAll("$", "$$$$")],
      volumes: ["./www:/www:ro", "./init.d:/init.d:ro"],
      network_mode: "bridge",
      "x-odysseus": { rollout: { minHealthyMs: 100 }, stopGraceMs: 1_000 },
    };
    write("compose.yaml", JSON.stringify({ name: "site", services: { web } }));
    write("www/index.html", "welcome, stranger\n");
    write("www/shop/price.html", "2\n");
    write("init.d/10-first", "#!/bin/sh\necho begun\n", 0o755);
    const compose = join(folder, "compose.yaml");
    const seen = async (script: string): Promise<string> => {
      const container = (await cluster.containers("site-web")).find(({ phase }) => phase === "running");
      return cluster.bed.node(Number(container?.node?.slice(1))).docker(["exec", container?.containerId ?? "", "sh", "-c", script]);
    };
    const get = "wget -qO- http://127.0.0.1:8080";
    await cluster.run("apply", compose, "--wait");
    expect(await seen(`${get}/index.html; ${get}/shop/price.html; cat /tmp/10-first; ls /www`)).toBe(
      "welcome, stranger\n2\nbegun\nindex.html\nshop\n",
    );
    expect(await cluster.run("apply", compose, "--wait")).toContain("nothing to change");

    write("www/index.html", "welcome, friend\n");
    write("www/news.html", "none\n");
    rmSync(join(folder, "www/shop"), { recursive: true });
    const { stdout } = await cluster.cli("plan", compose);
    expect(stdout).toContain("In /www, index.html changes, news.html is added, shop/price.html is removed.");
    expect(stdout).not.toMatch(/welcome|init\.d/);
    await cluster.run("apply", compose, "--wait");
    expect(await seen(`${get}/index.html; ls /www`)).toBe("welcome, friend\nindex.html\nnews.html\n");

    const exported = join(project, "exported.yaml");
    writeFileSync(exported, await cluster.run("export", "site"));
    expect((await cluster.cli("plan", exported)).stdout).toContain("nothing to change");
    await cluster.run("stack", "rollback", "site", "--wait");
    expect(await seen(`${get}/index.html; ls /www`)).toBe("welcome, stranger\nindex.html\nshop\n");
  });

  test("two databases never work on one directory, not even while the old one takes its time to end", async () => {
    const script = "mkdir /data/lock || exit 9; trap 'sleep 2; rmdir /data/lock; exit 0' TERM; while :; do sleep 0.1; done";
    const keeper = (greeting: string): string => `
name: keep
services:
  db:
    image: ${cluster.image("bb1")}
    command: ["sh", "-c", ${JSON.stringify(script.replaceAll("$", "$$$$"))}]
    environment: {GREETING: ${greeting}}
    volumes: ["data:/data"]
    network_mode: bridge
    x-odysseus: {rollout: {minHealthyMs: 100}}
volumes: {data: {}}
`;
    const path = join(project, "keeper.yaml");
    for (const greeting of ["hello", "again"]) {
      writeFileSync(path, keeper(greeting));
      await cluster.run("apply", path, "--wait");
      expect(await cluster.containers("keep-db")).toMatchObject([{ health: "healthy", restarts: 0 }]);
    }
  });
});
