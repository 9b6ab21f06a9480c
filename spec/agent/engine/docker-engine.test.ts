import { randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PinnedImage } from "../../../actors/deployment/contract.ts";
import { LABEL } from "../../../agent/labels.ts";
import { DockerEngine } from "../../../agent/engine/docker-engine.ts";
import { engineName } from "../../../agent/engine/docker-images.ts";
import type { DesiredContainer } from "../../../agent/engine/port.ts";
import { image as makeImage, layer } from "../../../ops/testbed/image.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { requireCapability } from "../../support/capability.ts";
import { stallingRegistry } from "./stalling-registry.ts";
import { collect, desired, failureOf, OWNER, query, until } from "./contract.ts";

const describeOnTestbed = await requireCapability("testbed");
const NEVER = new AbortController().signal;
const MEBIBYTE = 1024 * 1024;

describeOnTestbed("a real Docker engine", () => {
  let bed: Testbed;
  let engine: DockerEngine;
  let server: PinnedImage;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "docker-engine", nodes: 1, onEngineStop: "keep-containers" });
    await bed.up();
    engine = new DockerEngine({ socketPath: bed.node(1).dockerHost, owner: OWNER, clock: systemClock, random: systemRandom });
    server = (await engine.resolve(bed.registry.reference(bed.images.bb1))).image;
    await engine.pull(server, () => {}, NEVER);
  });
  afterAll(async () => {
    engine?.close();
    await bed?.down();
  });

  const running = async (part: Partial<DesiredContainer>): Promise<string> => {
    const containerId = await engine.create(desired(server, part));
    await engine.start(containerId);
    return containerId;
  };
  const shell = (script: string): Promise<string> => running({ command: ["sh", "-c", script] });
  /** An incompressible image in the registry, as seen through another address of it. */
  const pushHeavy = async (tag: string, address: string): Promise<PinnedImage> => {
    const heavy = layer([{ kind: "file", path: "heavy", content: randomBytes(4 * MEBIBYTE), mode: 0o644 }]);
    const architecture = (await engine.info()).arch;
    await bed.registry.push(makeImage({ name: "odysseus-test/heavy", tag, architecture, layers: [heavy], command: ["true"] }));
    return (await engine.resolve(`${address}/odysseus-test/heavy:${tag}`)).image;
  };

  test("an image that only the node has is pinned by its own id, and runs", async () => {
    await bed.loadImages(1, [bed.images.bb2]);
    const { image } = await engine.resolve("odysseus-test/bb:2");
    expect(image.source).toBe("node");
    expect(await engine.hasImage(image)).toBe(true);
    const containerId = await engine.create(desired(image));
    await engine.start(containerId);
    expect(await engine.inspect(containerId)).toMatchObject({ state: "running" });
    expect((await engine.resolve("odysseus-test/bb:2", "never")).image).toEqual(image);
    await engine.remove(containerId);
  });

  test("while the registry is away, an image pulled earlier is pinned to what the node has of it", async () => {
    const reference = bed.registry.reference(bed.images.bb1);
    await bed.node(1).docker(["pull", "-q", reference]);
    await bed.registry.stop();
    expect((await engine.resolve(reference)).image).toEqual({ reference, digest: server.digest, source: "registry" });
    await bed.registry.start();
  });

  test("an image for another platform that got here all the same is refused before it runs", async () => {
    await bed.loadImages(1, [bed.images.alien]);
    const { image } = await engine.resolve(`${bed.images.alien.name}:${bed.images.alien.tag}`);
    expect(await failureOf(engine.create(desired(image)))).toMatchObject({
      code: "image.platform-mismatch",
      message: expect.stringContaining(bed.images.alien.architecture),
    });
  });

  test("settings the engine does not accept are told in its words", async () => {
    const user = await engine.create(desired(server, { user: "nosuch" }));
    expect(await failureOf(engine.start(user))).toMatchObject({ code: "resources.rejected", message: expect.stringContaining("nosuch") });
    expect(await failureOf(engine.create(desired(server, { cpuLimitMillis: 1_000_000 })))).toMatchObject({ code: "resources.rejected" });
  });

  test("an engine that rewrites what it is given does not look edited", async () => {
    const proxy = createServer((asked, answered) => {
      const { method, url: path, headers } = asked;
      const onward = request({ socketPath: bed.node(1).dockerHost, method, path, headers }, (answer) => {
        // As engines on a kernel without swap accounting do.
        const rewrite = (body: string) => Buffer.from(body.replace(/"MemorySwap":\d+/, '"MemorySwap":-1'));
        const { "transfer-encoding": _, ...rest } = answer.headers;
        void text(answer).then((body) => {
          const rewritten = rewrite(body);
          answered.writeHead(answer.statusCode ?? 500, { ...rest, "content-length": rewritten.length }).end(rewritten);
        });
      });
      asked.pipe(onward);
    });
    const socketPath = `${bed.node(1).dockerHost}.proxy`;
    proxy.listen(socketPath);
    const rewriting = new DockerEngine({ socketPath, owner: OWNER, clock: systemClock, random: systemRandom });
    try {
      const containerId = await rewriting.create(desired(server, { memoryLimitBytes: 32 * MEBIBYTE }));
      const seen = await rewriting.inspect(containerId);
      expect(seen?.settings).toBe(seen?.labels[LABEL.settings]);
      expect((await engine.inspect(containerId))?.settings).not.toBe(seen?.settings);
    } finally {
      rewriting.close();
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  test("a very long line is cut at 16 KiB and says so; lines around it are whole", async () => {
    const containerId = await shell("echo first; head -c 40000 /dev/zero | tr '\\0' x; echo; echo last; printf unfinished");
    const lines = await collect(engine.logs(containerId, query({ follow: true })));
    expect(lines.map((line) => line.text.length)).toEqual([5, 16_384 + " [line cut: 23616 more bytes]".length, 4, 10]);
    expect(lines[1]?.text.endsWith("x [line cut: 23616 more bytes]")).toBe(true);
    expect(lines.at(-1)?.text).toBe("unfinished");
  });

  test("a reader slower than the container loses nothing", async () => {
    const containerId = await shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
    let count = 0;
    for await (const line of engine.logs(containerId, query({ follow: true }))) {
      expect(line.text).toBe(`line ${count}`);
      if (count % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      count += 1;
    }
    expect(count).toBe(20_000);
  });

  test("the output of a terminal is read as well", async () => {
    const command = ["sh", "-c", "echo one; echo two >&2"];
    const containerId = (await bed.node(1).docker(["run", "-d", "-t", engineName(server), ...command])).trim();
    await until("it has ended", async () => (await engine.inspect(containerId))?.state === "exited");
    const lines = await collect(engine.logs(containerId, query()));
    expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
      ["stdout", "one"],
      ["stdout", "two"],
    ]);
    expect(lines[0]?.atMs).toBeGreaterThan(Date.now() - 60_000);
  });

  test("a probe command that does not end is an answer, within its time", async () => {
    const containerId = await shell("sleep 1000");
    const { exitCode, output } = await engine.exec(containerId, ["sh", "-c", "echo waiting; sleep 1000"], 1_500);
    expect(exitCode).toBe(124);
    expect(output).toMatch(/waiting[\s\S]*no end within 1500 ms/);
    expect(await engine.exec(containerId, ["nonesuch"], 5_000)).toMatchObject({
      exitCode: expect.toSatisfy((code: number) => code === 126 || code === 127),
    });
    const long = await engine.exec(containerId, ["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' y"], 10_000);
    expect(long.output).toHaveLength(4_000);
    await engine.remove(containerId);
  });

  test("a pull that is called off ends at once", async () => {
    const registry = await stallingRegistry(bed.address, bed.registry.address);
    const heavy = await pushHeavy("aborted", registry.address);
    const abort = new AbortController();
    const failure = await failureOf(engine.pull(heavy, () => abort.abort(), abort.signal));
    expect(failure).toMatchObject({ code: "engine.error", message: expect.stringContaining("called off") });
    registry.close();
  });

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "the engine gets %s in the middle of a pull: the pull fails in words, and works when it is back",
    async (signal) => {
      const registry = await stallingRegistry(bed.address, bed.registry.address);
      const heavy = await pushHeavy(signal.toLowerCase(), registry.address);
      let killing: Promise<void> | undefined;
      const failure = await failureOf(engine.pull(heavy, () => void (killing ??= bed.killEngine(1, signal)), NEVER));
      expect(failure.permanent).toBe(false);
      expect(["engine.unavailable", "engine.error"]).toContain(failure.code);
      await killing;
      await bed.startEngine(1);
      registry.release();
      await engine.pull(heavy, () => {}, NEVER);
      expect(await engine.hasImage(heavy)).toBe(true);
      registry.close();
    },
  );

  test("a full disk is called a full disk", async () => {
    const heavy = await pushHeavy("full", bed.registry.address);
    await bed.node(1).enter("mkdir -p /var/lib/docker/tmp && mount -t tmpfs -o size=1m tmpfs /var/lib/docker/tmp");
    expect(await failureOf(engine.pull(heavy, () => {}, NEVER))).toMatchObject({ code: "disk.full", permanent: false });
    await bed.node(1).enter("umount /var/lib/docker/tmp");
    await engine.pull(heavy, () => {}, NEVER);
  });

  test("a registry that is down is called that", async () => {
    await bed.registry.stop();
    const away = { ...server, reference: `${bed.registry.address}/odysseus-test/other:1` };
    expect(await failureOf(engine.pull(away, () => {}, NEVER))).toMatchObject({
      code: "image.registry-unavailable",
      message: expect.stringContaining("refused"),
    });
    await bed.registry.start();
  });
});
