import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, runCli, startCli } from "../../support/run-cli.ts";
import { type SimulatedControlPlane, startSimulatedControlPlane } from "../../support/simulated-control-plane.ts";

let plane: SimulatedControlPlane;
let folder: string;
beforeAll(async () => {
  plane = await startSimulatedControlPlane(4);
  folder = mkdtempSync(join(tmpdir(), "odysseus-newcomer-"));
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const odysseus = (...args: readonly string[]): Promise<CliResult> => runCli(args, plane.env);
const offset = async (): Promise<number> =>
  (JSON.parse((await odysseus("events", "list", "--json")).stdout) as { asOfOffset: number }).asOfOffset;
const quick = ["--min-healthy", "200ms"];

describe("a newcomer's first hour, on the real control plane with simulated nodes", () => {
  test("deploys, scales, updates, sees a bad update rolled back, goes back, and cleans up", async () => {
    const nodes = async (): Promise<number> =>
      (JSON.parse((await odysseus("nodes", "--json")).stdout) as { items: unknown[] }).items.length;
    await expect.poll(nodes).toBe(4);

    const deployed = await odysseus(
      "deploy",
      "web",
      "--image",
      "shop/web:1",
      "--replicas",
      "3",
      "--env",
      "K=V",
      "--health",
      "http:/healthz",
      ...quick,
      "--wait",
    );
    expect(deployed).toMatchObject({ code: 0, stderr: "" });
    expect(deployed.stdout).toContain("web: revision 1 is running, 3 of 3 replicas healthy");

    expect(await odysseus("scale", "web", "5", "--wait")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("5 of 5 replicas healthy"),
    });

    const updated = await odysseus("update", "web", "--image", "shop/web:2", "--wait", "--json");
    expect(JSON.parse(updated.stdout)).toMatchObject({
      name: "web",
      revision: 2,
      outcome: "succeeded",
      deployment: { image: { reference: "shop/web:2" }, healthyReplicas: 5 },
    });

    const crashing = await odysseus("update", "web", "--image", "sim/crash:3", "--min-healthy", "3s", "--wait");
    expect(crashing.code).toBe(51);
    expect(crashing.stderr).toMatch(/revision 3 failed and was rolled back: .*exit code 3/);

    expect(await odysseus("rollback", "web", "--to", "1", "--wait")).toMatchObject({ code: 0 });
    const history = await odysseus("history", "web");
    for (const word of ["rollback", "automatic-rollback", "rolled-back", "scale", "create", "admin via cli"])
      expect(history.stdout).toContain(word);

    expect(await odysseus("stop", "web", "--wait")).toMatchObject({ code: 0, stdout: expect.stringContaining("web: stopped") });
    expect(await odysseus("start", "web", "--wait")).toMatchObject({ code: 0 });
    expect(await odysseus("delete", "web", "--wait")).toMatchObject({ code: 0, stdout: expect.stringContaining("web: deleted") });
    expect(await odysseus("deployments", "get", "web")).toMatchObject({ code: 43 });
    expect((await odysseus("audit", "--operation", "deployments.delete")).stdout).toMatch(
      /admin via cli +deployments\.delete +default\/deployment\/web +accepted/,
    );
  }, 120_000);

  test("plans a manifest, applies it as a stack, and applying it again changes nothing", async () => {
    const file = join(folder, "compose.yaml");
    const manifest = (mode: string): string =>
      `name: shop\nservices:\n  api:\n    image: shop/api:1\n    environment: {MODE: ${mode}}\n    deploy: {replicas: 2}\n    depends_on: {cache: {condition: service_healthy}}\n  cache:\n    image: redis:7\n`;
    writeFileSync(file, manifest("slow"));
    const planned = await odysseus("plan", file);
    expect(planned.code).toBe(60);
    expect(planned.stdout).toMatch(/^shop: 2 to create\n\+ cache \(shop-cache\): would be created[\s\S]*replicas would go to sim-/);
    // What nobody said is not told.
    expect(planned.stdout).not.toMatch(/drainMs|constraints|rollout|run:/);
    expect(planned.stdout).toMatch(/\+ api \(shop-api\): would be created[\s\S]*environment.MODE: slow/);
    expect((await odysseus("deployments", "--json")).stdout).not.toContain('"shop-api"');
    expect(await odysseus("apply", file, "--wait")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/shop: revision 1 is rolling out: create cache, api[\s\S]*shop: revision 1 is running, 2 members/),
    });
    const events = await offset();
    expect(await odysseus("apply", file, "--wait")).toMatchObject({ code: 0, stdout: "shop: nothing to change\n" });
    expect(await odysseus("plan", file)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^shop: nothing to change\n/) });
    expect(await offset()).toBe(events);
    writeFileSync(file, manifest("fast"));
    expect((await odysseus("plan", file)).stdout).toMatch(
      /^shop: 1 to change\n {2}cache \(shop-cache\): nothing to change\n~ api \(shop-api\): would change; replaces 2 replicas because environment changed\n {4}- environment.MODE: slow\n {4}\+ environment.MODE: fast\n/,
    );
    writeFileSync(file, manifest("slow").replace("    depends_on", "    x-odysseus: {drainMs: 1000}\n    depends_on"));
    expect((await odysseus("plan", file)).stdout).toMatch(/~ api \(shop-api\): would change; no replica is replaced\n {4}- drainMs: \d+\n/);
    expect(await odysseus("apply", file, "--wait")).toMatchObject({ code: 0 });
    expect((await odysseus("deployments", "plan", "shop-api", "--image", "shop/api:2")).stdout).toMatch(
      /replaces:\n +replicas: 2\n +because: environment, image, networks and 1 more changed\n/,
    );
    expect((await odysseus("history", "shop-api")).stdout).toMatch(/drainMs \d+ -> 1000; drainMs changed; no replica was replaced/);
    const exported = await odysseus("export", "shop");
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^name: shop\n/) });
    writeFileSync(file, exported.stdout);
    expect(await odysseus("plan", file)).toMatchObject({ code: 0 });
    writeFileSync(file, "services: {api: {image: a, provider: {type: x}}}");
    expect(await odysseus("apply", file)).toMatchObject({
      code: 44,
      stderr: expect.stringContaining(`${file}:1:28 error services.api.provider:`),
    });
  }, 60_000);

  test("exports a deployment that stands alone as a file that plans to nothing, and does nothing", async () => {
    const file = join(folder, "alone.yaml");
    await odysseus("deploy", "alone", "--image", "shop/alone:1", "--health", "http:/healthz", "--env", "PRICE=$5", ...quick, "--wait");
    writeFileSync(file, (await odysseus("export", "alone", "--format", "compose")).stdout);
    expect(await odysseus("plan", file)).toMatchObject({ code: 0, stdout: "alone: nothing to change\n  alone: nothing to change\n" });
    expect(await odysseus("apply", file)).toMatchObject({ code: 0, stdout: "alone: nothing to change\n" });
    expect(await odysseus("stacks", "get", "alone")).toMatchObject({ code: 43 });
    expect(await odysseus("export", "none")).toMatchObject({ code: 43 });
  }, 60_000);

  test("names a member as stack/service, sees what was changed by hand, prunes, and goes back as a whole", async () => {
    const file = join(folder, "two.yaml");
    writeFileSync(file, "services: {web: {image: 'shop/web:1'}, worker: {image: 'shop/worker:1'}}");
    expect(await odysseus("apply", "-p", "two", file, "--wait")).toMatchObject({ code: 0 });
    expect(await odysseus("scale", "two/web", "2", "--wait")).toMatchObject({ code: 0, stdout: expect.stringContaining("two-web:") });
    expect((await odysseus("containers", "--deployment", "two/web")).stdout).toMatch(/two-web +2 /);
    expect((await odysseus("stack", "show", "two")).stdout).toMatch(/^two: drifted, revision 1[\s\S]*web +two-web .*replicas/);
    expect((await odysseus("deployments")).stdout).toMatch(/two-web +two \(drift\)/);
    writeFileSync(file, "services: {web: {image: 'shop/web:2'}}");
    expect((await odysseus("plan", "-p", "two", file)).stdout).toContain(
      "worker (two-worker): is not in the manifest and stays; --prune would remove it",
    );
    expect((await odysseus("plan", "-p", "two", "--prune", file)).stdout).toMatch(
      /^two: 1 to change, 1 to remove\n- worker \(two-worker\)/,
    );
    const pruned = await odysseus("apply", "-p", "two", file, "--prune", "--wait");
    expect(pruned).toMatchObject({ code: 0, stderr: "- worker (two-worker): will be removed, with its replicas\n" });
    expect(await odysseus("deployments", "get", "two-worker")).toMatchObject({ code: 43 });
    expect(await odysseus("stack", "rollback", "two", "--wait")).toMatchObject({ code: 0, stdout: expect.stringContaining("2 members") });
    expect((await odysseus("stack", "history", "two")).stdout).toMatch(/3 \(= 1\) +rollback +succeeded +admin via cli/);
    expect((await odysseus("stacks")).stdout).toMatch(/two +running +3 +web, worker/);
    writeFileSync(file, "services: {web: {image: 'sim/crash:3'}, worker: {image: 'shop/worker:2'}}");
    const failed = await odysseus("apply", "-p", "two", file, "--wait");
    expect(failed.code).toBe(51);
    expect(failed.stderr).toMatch(/two: revision 4 failed and was rolled back: two-web was rolled back: .*exit code 3/);
    expect(failed.stderr).toMatch(/\n {2}replica \d on sim-\d exited/);
    expect(await odysseus("stack", "delete", "two", "--wait")).toMatchObject({ code: 0, stdout: expect.stringContaining("two: deleted") });
    expect(await odysseus("stacks", "get", "two")).toMatchObject({ code: 43 });
  }, 120_000);

  test("a replica that fits nowhere says so, and waiting ends in time", async () => {
    const result = await odysseus("deploy", "big", "--image", "shop/big:1", "--reserve-memory", "900G", "--wait", "--timeout", "2s");
    expect(result.code).toBe(53);
    expect(result.stderr).toMatch(/big: still rolling out[\s\S]*resources: .*lacks memory/);
    expect((await odysseus("containers", "--deployment", "big")).stdout).toMatch(/pending.*resources: sim-1 lacks memory/);
  }, 30_000);

  test("an empty list says how the first one comes about, and a filter that nothing passes that nothing matches", async () => {
    for (const list of [["volumes"], ["volumes", "list"]])
      expect((await odysseus(...list)).stderr + (await odysseus(...list)).stdout).toContain("odysseus apply compose.yaml --wait");
    expect((await odysseus("certificates", "list")).stdout).toContain("odysseus update web --route app.example.com");
    expect((await odysseus("containers", "list", "--node", "none")).stdout).toContain("Nothing matches.");
  });

  test("a mistyped name is answered with the one that was meant, by every command", async () => {
    for (const words of [
      ["drain", "sim-11"],
      ["nodes", "drain", "sim-11"],
      ["nodes", "images", "sim-11"],
    ])
      expect(await odysseus(...words)).toMatchObject({ code: 43, stderr: expect.stringMatching(/Did you mean "sim-1\d?"\?/) });
  });

  test("sees what images a node has", async () => {
    await odysseus("deploy", "pictured", "--image", "shop/pictured:1", "--wait");
    const { stdout: where } = await odysseus("containers", "--deployment", "pictured", "--json");
    const node = (JSON.parse(where) as { items: { node: string }[] }).items[0]?.node ?? "";
    const { stdout } = await odysseus("nodes", "images", node);
    expect(stdout).toMatch(/^REFERENCES +ID +SIZE[\s\S]*shop\/pictured@sha256:[0-9a-f]{64} +sha256:\S+/);
    const images = [...stdout.matchAll(/ sha256:\S+ +20\.0 MiB$/gm)].length;
    expect(stdout).toMatch(new RegExp(`node: sim-\\d\nleft out: 0\ndisk: ${images * 20}\\.0 MiB\nseen at: \\S+ \\(\\d+s ago\\)\n$`));
  });

  test("follows events until Ctrl-C, without colour in a pipe", async () => {
    const cli = startCli(["events", "-f"], plane.env);
    await odysseus("cordon", "sim-1");
    const seen = cli.until(({ stdout }) => stdout.includes("node sim-1: cordoned"));
    await odysseus("uncordon", "sim-1");
    await odysseus("cordon", "sim-1");
    await seen;
    cli.process.kill("SIGINT");
    const { code, stdout } = await cli.ended;
    expect(code).toBe(130);
    expect(stdout).not.toContain("\u001b");
  });
});
