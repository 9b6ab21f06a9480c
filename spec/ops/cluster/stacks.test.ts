import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackDetail } from "../../../actors/stack/views.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { onEngines } from "./engines.ts";

/** Each of these waits for several services, one after the other, beside other suites. */
const JOURNEY_TIMEOUT_MS = 240_000;

const describeOnCluster = await requireCapability("testbed");

describeOnCluster("a stack on three real engines", () => {
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "stacks" });
    folder = mkdtempSync(join(tmpdir(), "odysseus-stacks-"));
  }, 180_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  });

  const quick = "x-odysseus: {rollout: {minHealthyMs: 500}, drainMs: 500}";
  const init = (word: string): string => `
  init:
    image: ${cluster.image("bb1")}
    command: [sh, -c, "echo ${word}; sleep 1"]
    ${quick}`;
  const cache = (): string => `
  cache:
    image: ${cluster.image("bb1")}
    command: [until-term, httpd, -f, -p, "6379", -h, /www]
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:6379/healthz"], interval: 500ms, timeout: 5s}
    stop_grace_period: 2s
    depends_on: {init: {condition: service_completed_successfully}}
    ${quick}`;
  const web = (image: string): string => `
  web:
    image: ${image}
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8080/healthz"], interval: 500ms, timeout: 5s}
    stop_grace_period: 2s
    deploy: {replicas: 2}
    depends_on: {cache: {condition: service_healthy}}
    ${quick}`;
  const worker = (): string => `
  worker:
    image: ${cluster.image("bb1")}
    command: [until-term, sleep, "100000"]
    stop_grace_period: 2s
    depends_on: [web]
    ${quick}`;

  function manifest(...services: readonly string[]): string {
    const file = join(folder, "compose.yaml");
    writeFileSync(file, `name: shop\nservices:${services.join("")}\n`);
    return file;
  }

  const stack = async (): Promise<StackDetail> => (await cluster.api("GET", "/stacks/shop")).body as StackDetail;
  const versions = async (): Promise<readonly string[]> => {
    // Old ones may still be draining.
    const containers = (await cluster.containers("shop-web")).filter(({ phase }) => phase === "running");
    return [...new Set(containers.map(({ image }) => image))];
  };
  const containerIds = async (deployment: string): Promise<readonly string[]> =>
    (await onEngines(cluster, deployment)).map(({ containerId }) => containerId).toSorted();

  const untilOthers = (deployment: string, before: readonly string[]): Promise<void> =>
    cluster.until(`all containers of ${deployment} are others`, async () => {
      const now = await containerIds(deployment);
      return now.length > 0 && now.every((containerId) => !before.includes(containerId));
    });
  const isInOrder = async (...services: readonly string[]): Promise<void> => {
    const began = await Promise.all(services.map(async (service) => (await cluster.deployment(`shop-${service}`)).rollout.startedAtMs));
    expect(began).toEqual(began.toSorted((a, b) => a - b));
  };

  test(
    "comes up in the order of depends_on: a job that completes, what must be healthy, what needs it",
    async () => {
      const file = manifest(init("one"), cache(), web(cluster.image("bb1")), worker());
      expect((await cluster.cli("plan", file)).exitCode).toBe(60);
      await cluster.run("apply", file, "--wait");
      const { status, members } = await stack();
      expect(status).toBe("running");
      expect(members.map(({ service, view }) => `${service} ${view?.status}`).toSorted()).toEqual([
        "cache running",
        "init completed",
        "web running",
        "worker running",
      ]);
      expect(await onEngines(cluster, "shop-init")).toEqual([]);
      const began = Object.fromEntries(members.map(({ service, view }) => [service, view?.createdAtMs ?? 0]));
      expect([began["init"], began["cache"], began["web"], began["worker"]]).toEqual(
        [began["init"], began["cache"], began["web"], began["worker"]].toSorted((a, b) => (a ?? 0) - (b ?? 0)),
      );
      expect((await cluster.cli("plan", file)).exitCode).toBe(0);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "changes what the file changes, and nothing else",
    async () => {
      const before = await containerIds("shop-worker");
      await cluster.run("apply", manifest(init("one"), cache(), web(cluster.image("bb2")), worker()), "--wait");
      expect(await versions()).toEqual([cluster.image("bb2")]);
      expect(await containerIds("shop-worker")).toEqual(before);
      expect((await cluster.deployment("shop-init")).revision).toBe(1);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "goes back as a whole when one member fails",
    async () => {
      const failed = await cluster.cli("apply", manifest(init("one"), cache(), web(cluster.image("crash")), worker(), extra()), "--wait");
      expect(failed.exitCode).toBe(51);
      expect(failed.stderr).toMatch(/shop: revision 3 failed and was rolled back: shop-web was rolled back/);
      await cluster.until("the stack is what it was", async () => (await stack()).status === "running");
      expect(await versions()).toEqual([cluster.image("bb2")]);
      expect((await stack()).members.map(({ service }) => service)).not.toContain("extra");
      await cluster.until("what was added is gone", async () => (await onEngines(cluster, "shop-extra")).length === 0);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is rolled back by a person to any revision",
    async () => {
      await cluster.run("stack", "rollback", "shop", "--to", "1", "--wait");
      expect(await versions()).toEqual([cluster.image("bb1")]);
      expect(await cluster.run("stack", "history", "shop")).toMatch(/5 \(= 1\) +rollback +succeeded/);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is finished after the control plane was killed in the middle of it",
    async () => {
      await cluster.run("apply", manifest(init("two"), cache(), web(cluster.image("bb2")), worker(), extra()));
      await cluster.until("it is under way", async () => (await cluster.deployment("shop-init")).revision > 1);
      await cluster.killControlPlane("SIGKILL");
      await cluster.startControlPlane();
      await cluster.until("the stack has ended its rollout", async () => (await stack()).rollout.outcome !== "in-progress", 120_000);
      expect((await stack()).rollout).toMatchObject({ outcome: "succeeded", revision: 6 });
      expect(await versions()).toEqual([cluster.image("bb2")]);
      expect((await onEngines(cluster, "shop-extra")).length).toBe(1);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "restarts whoever is to be restarted with what changes, says so beforehand, and restarts nobody for what changes by itself",
    async () => {
      const restarting = worker().replace("[web]", "{web: {condition: service_healthy, restart: true}}");
      const file = (image: string): string => manifest(init("two"), cache(), web(image), restarting, extra());
      await cluster.run("apply", file(cluster.image("bb2")), "--wait");
      const [workers, caches] = [await containerIds("shop-worker"), await containerIds("shop-cache")];
      expect((await cluster.cli("plan", file(cluster.image("bb1")))).stdout).toMatch(
        /worker \(shop-worker\): would be restarted; replaces 1 replica because shop-web is replaced, and it is restarted after it/,
      );
      await cluster.run("apply", file(cluster.image("bb1")), "--wait");
      expect(await versions()).toEqual([cluster.image("bb1")]);
      expect((await cluster.deployment("shop-worker")).rollout).toMatchObject({ change: "restart", outcome: "succeeded" });
      await cluster.until("the worker that was there is gone", async () =>
        (await containerIds("shop-worker")).every((containerId) => !workers.includes(containerId)),
      );
      expect(await containerIds("shop-cache")).toEqual(caches);
      const restarted = await containerIds("shop-worker");
      await cluster.run("restart", "shop-web", "--wait");
      expect(await containerIds("shop-worker")).toEqual(restarted);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is restarted in the order of depends_on: the named services and those that follow them, or all but the job, also when the control plane dies meanwhile",
    async () => {
      const [webs, workers, caches] = [await containerIds("shop-web"), await containerIds("shop-worker"), await containerIds("shop-cache")];
      const said = await cluster.run("stack", "restart", "shop", "web", "--wait");
      expect(said).toMatch(/shop: restarting web, worker\n/);
      expect(said).toMatch(/shop: restarted/);
      await untilOthers("shop-web", webs);
      await untilOthers("shop-worker", workers);
      expect(await containerIds("shop-cache")).toEqual(caches);
      await isInOrder("web", "worker");
      const [again, others] = [await containerIds("shop-web"), await containerIds("shop-worker")];
      expect(await cluster.run("stack", "restart", "shop")).toMatch(
        /shop: restarting extra, cache, web and 1 more; not restarted: init is a job\n/,
      );
      await cluster.until("it is under way", async () => (await cluster.deployment("shop-cache")).rollout.change === "restart");
      expect(await cluster.cli("stack", "restart", "shop")).toMatchObject({
        exitCode: 45,
        stderr: expect.stringContaining("under way (restart"),
      });
      await cluster.killControlPlane("SIGKILL");
      await cluster.startControlPlane();
      await cluster.until("the stack has ended its restart", async () => (await stack()).rollout.outcome !== "in-progress", 120_000);
      expect((await stack()).rollout).toMatchObject({ change: "restart", outcome: "succeeded" });
      for (const [name, before] of [
        ["shop-cache", caches],
        ["shop-web", again],
        ["shop-worker", others],
      ] as const)
        await untilOthers(name, before);
      await isInOrder("cache", "web", "worker");
      expect((await cluster.deployment("shop-init")).rollout.change).not.toBe("restart");
      expect(await cluster.run("stack", "history", "shop")).toMatch(/restart +succeeded/);
      expect(await cluster.cli("stack", "restart", "shop", "wbe")).toMatchObject({
        exitCode: 43,
        stderr: expect.stringContaining('"web"?'),
      });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is pruned, and deleted",
    async () => {
      await cluster.run("apply", manifest(init("two"), cache(), web(cluster.image("bb2"))), "--prune", "--wait");
      expect(await onEngines(cluster, "shop-worker")).toEqual([]);
      expect(await onEngines(cluster, "shop-extra")).toEqual([]);
      await cluster.run("stack", "delete", "shop", "--wait");
      for (const service of ["init", "cache", "web"]) expect(await onEngines(cluster, `shop-${service}`)).toEqual([]);
    },
    JOURNEY_TIMEOUT_MS,
  );

  function extra(): string {
    return `
  extra:
    image: ${cluster.image("bb1")}
    command: [until-term, sleep, "100000"]
    stop_grace_period: 2s
    ${quick}`;
  }
});
