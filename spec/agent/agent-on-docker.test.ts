import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { requireCapability } from "../support/capability.ts";
import { DockerNode } from "./docker-node.ts";

type Image = Placement["template"]["image"];

const describeOnTestbed = await requireCapability("root", "testbed");
const http = { kind: "http", path: "/healthz", port: 8080, intervalMs: 200, retries: 2 };

describeOnTestbed("an agent on a real engine", () => {
  let bed: Testbed;
  let node: DockerNode;
  let images: { readonly bb1: Image; readonly bb2: Image; readonly crash: Image; readonly sick: Image };

  beforeAll(async () => {
    bed = await Testbed.create({ name: "agent", nodes: 1 });
    await bed.up();
    const pinned = async (image: Testbed["images"]["bb1"]): Promise<Image> => {
      const reference = bed.registry.reference(image);
      return { reference, digest: await bed.registry.push(image), source: "registry" };
    };
    const { bb1, bb2, crash, sick } = bed.images;
    images = { bb1: await pinned(bb1), bb2: await pinned(bb2), crash: await pinned(crash), sick: await pinned(sick) };
  });
  afterAll(() => bed.down());
  beforeEach(async () => {
    node = new DockerNode(bed, 1);
    await node.start();
  });
  afterEach(() => node.clear());

  const containers = async () => (await node.engine.list()).map(({ name, state }) => ({ name, state }));

  async function running(template: object = {}): Promise<Placement> {
    const placement = await node.placement(images.bb1, { template });
    await node.assign(placement);
    await node.untilHealthy();
    return placement;
  }

  test("pulls, starts and tells it", async () => {
    await running();
    expect(await containers()).toEqual([{ name: "ody-acme-web-1-1-1", state: "running" }]);
    expect(node.history.map((status) => status.current.phase)).toContain("pulling");
  });

  test("replaces a process that was killed, and keeps its last lines", async () => {
    const script = "echo one; echo two >&2; exec sleep 1000";
    const placement = await node.placement(images.bb1, { template: { command: ["sh", "-c", script] } });
    await node.assign(placement);
    await node.untilHealthy();
    const pid = await bed.containerPid(1, node.containerId());
    process.kill(pid, "SIGKILL");
    await node.untilHealthy(2);
    const status = await node.untilStatus("the evidence is complete", ({ lastExit }) => (lastExit?.lastLines.length ?? 0) === 2);
    expect(status).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause: "killed", exitCode: 137 } });
    // Docker dates the two streams apart from one another: which came first is not known.
    expect(new Set(status.lastExit?.lastLines.map(({ stream, text }) => `${stream}: ${text}`))).toEqual(
      new Set(["stdout: one", "stderr: two"]),
    );
    await node.until("only the replacement is left", async () => (await containers()).length === 1);
  });

  test.each([
    ["removed", ["rm", "-f"]],
    ["stopped", ["stop", "-t", "1"]],
    ["killed", ["kill"]],
    ["changed", ["update", "--memory", "64m", "--memory-swap", "64m"]],
  ] as const)("replaces what was %s by hand, counted once", async (cause, command) => {
    await running();
    await bed.node(1).docker([...command, node.containerId()]);
    await node.untilHealthy(2);
    const status = await node.untilStatus("the cause is known", ({ lastExit }) => lastExit?.cause === cause);
    expect(status).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1 } });
    await node.until("only the replacement is left", async () => (await containers()).length === 1);
  });

  test("unpauses what was paused by hand, counted once, in the same container", async () => {
    await running();
    const containerId = node.containerId();
    await bed.node(1).docker(["pause", containerId]);
    await node.untilStatus("it is counted", ({ restarts }) => restarts > 0);
    // Docker may tell the pause a second time after it is over, and then calls the container paused for a moment.
    await node.until("the engine says that it runs", async () => (await containers()).every(({ state }) => state === "running"));
    expect(node.status()).toMatchObject({
      attempt: 1,
      restarts: 1,
      lastExit: { cause: "paused" },
      current: { phase: "running", containerId },
    });
  });

  test("replaces a placement by another, new before old, as it is told", async () => {
    const old = await running();
    const next = await node.placement(images.bb2, { id: "web.1.2" });
    await node.assign(old, next);
    await node.untilHealthy(1, "web.1.2");
    await node.assign({ ...old, desired: "stopped" }, next);
    await node.untilStatus("the old one is stopped", ({ current }) => current.phase === "stopped");
    await node.assign(next);
    await node.until("only the new one is left", async () => (await containers()).length === 1);
    expect(await containers()).toEqual([{ name: "ody-acme-web-1-2-1", state: "running" }]);
  });

  test("restarts once what an engine restart ended", async () => {
    await running();
    await bed.restartEngine(1);
    await node.untilHealthy(2);
    const status = await node.untilStatus("it is told", ({ lastExit }) => lastExit !== undefined);
    expect(status).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause: "lost" } });
  });

  test("restarts once what the start of a killed engine ended", async () => {
    await running();
    await bed.killEngine(1);
    await bed.startEngine(1);
    const status = await node.untilHealthy(2);
    expect(status).toMatchObject({ attempt: 2, restarts: 1, lastExit: { attempt: 1, cause: "lost" } });
  });

  test("that is started again adopts its containers, and replaces what died meanwhile", async () => {
    const first = await running();
    const second = await node.placement(images.bb1, { id: "web.2.2" });
    await node.assign(first, second);
    await node.untilHealthy(1, "web.2.2");
    const [kept, lost] = [node.containerId(), node.containerId("web.2.2")];
    await node.stop();
    await bed.killProcess(1, lost);
    node.told.clear();
    await node.start();
    expect(await node.untilHealthy(2, "web.2.2")).toMatchObject({ restarts: 1, lastExit: { attempt: 1, exitCode: 137 } });
    expect(await node.untilHealthy()).toMatchObject({ attempt: 1, restarts: 0, current: { containerId: kept } });
  });

  test("lets a crash loop wait, says until when and why, after the container is gone", async () => {
    await node.assign(await node.placement(images.crash));
    const status = await node.untilStatus(
      "it waits",
      ({ current, lastExit }) => current.phase === "backing-off" && (lastExit?.lastLines.length ?? 0) > 0,
    );
    expect(status.restarts).toBeGreaterThanOrEqual(2);
    expect(status).toMatchObject({ failure: { code: "exited" }, lastExit: { cause: "exited", exitCode: 3 } });
    expect(status.lastExit?.lastLines.at(-1)).toMatchObject({ stream: "stderr", text: "fatal: told to crash" });
    await node.until("its containers are gone", async () => (await containers()).every(({ state }) => state !== "exited"));
  });

  test("tells death for memory from other deaths", async () => {
    const command = ["sh", "-c", "a=0123456789; while :; do a=$a$a; done"];
    await node.assign(await node.placement(images.bb1, { template: { command, resources: { memoryLimitBytes: 16 * 1024 * 1024 } } }));
    const status = await node.untilStatus("it was killed for memory", ({ lastExit }) => lastExit?.cause === "oom");
    expect(status.lastExit?.message).toContain("memory limit");
  });

  test.each([
    ["http", http],
    ["tcp", { kind: "tcp", port: 8080, intervalMs: 200 }],
    ["command", { kind: "command", command: ["wget", "-q", "-O-", "http://127.0.0.1:8080/healthz"], intervalMs: 200 }],
  ])("proves health by %s", async (_kind, health) => {
    const placement = await node.placement(images.bb1, { template: { health } });
    await node.assign(placement);
    await node.untilHealthy();
    expect(node.history.map((status) => (status.current.phase === "running" ? status.current.health : ""))).toContain("proving");
  });

  test("replaces what turned unhealthy, with the probe's output as evidence", async () => {
    await node.assign(await node.placement(images.sick, { template: { health: http } }));
    await node.untilHealthy();
    await bed.node(1).docker(["exec", node.containerId(), "touch", "/tmp/sick"]);
    const status = await node.untilHealthy(2);
    expect(status).toMatchObject({ restarts: 1, lastExit: { cause: "unhealthy", attempt: 1 } });
    expect(status.lastExit?.healthOutput).toContain("500");
  });

  test("fetches an image ahead", async () => {
    await bed.node(1).docker(["image", "prune", "-af"]);
    await node.assignWith({ prefetch: [images.bb2] });
    await node.until("the image is there", () => node.engine.hasImage(images.bb2));
  });

  test("says that there is no such image", async () => {
    const missing: Image = { reference: `${images.bb1.reference}-missing`, digest: `sha256:${"0".repeat(64)}`, source: "registry" };
    await node.assign(await node.placement(missing));
    const status = await node.untilStatus("it failed", ({ failure }) => failure !== undefined);
    expect(status).toMatchObject({ failure: { code: "image.not-found", permanent: true }, current: { phase: "backing-off" } });
  });

  test("says that there is no such command", async () => {
    await node.assign(await node.placement(images.bb1, { template: { command: ["/no/such/command"] } }));
    const status = await node.untilStatus("it failed", ({ failure }) => failure !== undefined);
    expect(status).toMatchObject({ failure: { code: "command.not-found", permanent: true } });
  });

  test("says that a port is taken, and takes it once it is free", async () => {
    const template = { ports: [{ containerPort: 8080, publishedPort: 18_080, protocol: "tcp", mode: "host" }] };
    const first = await running(template);
    const second = await node.placement(images.bb1, { id: "web.2.2", template });
    await node.assign(first, second);
    const status = await node.untilStatus("it failed", ({ failure }) => failure !== undefined, "web.2.2");
    expect(status).toMatchObject({ failure: { code: "port.taken" } });
    await node.assign(second);
    await node.untilHealthy(2, "web.2.2");
  });
});

describeOnTestbed("an agent on an engine that leaves containers alone when it restarts", () => {
  let bed: Testbed;
  let node: DockerNode;
  beforeAll(async () => {
    bed = await Testbed.create({ name: "agent-live", nodes: 1, onEngineStop: "keep-containers" });
    await bed.up();
    node = new DockerNode(bed, 1);
    await node.start();
  });
  afterAll(async () => {
    await node.clear();
    await bed.down();
  });

  test("goes on with the same container, and heals it afterwards as before", async () => {
    const { bb1 } = bed.images;
    const image = { reference: bed.registry.reference(bb1), digest: await bed.registry.push(bb1), source: "registry" } as const;
    await node.assign(await node.placement(image));
    await node.untilHealthy();
    const containerId = node.containerId();
    await bed.restartEngine(1);
    await node.until(
      "the engine answers again",
      async () => (await node.engine.inspect(containerId).catch(() => undefined))?.state === "running",
    );
    expect(await node.untilHealthy()).toMatchObject({ attempt: 1, restarts: 0, current: { containerId } });
    await bed.killProcess(1, containerId);
    expect(await node.untilHealthy(2)).toMatchObject({ restarts: 1, lastExit: { attempt: 1 } });
  });
});
