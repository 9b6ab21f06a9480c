import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PinnedImage } from "../../../actors/deployment/contract.ts";
import { listedName } from "../../../actors/deployment/image-name-contract.ts";
import type { Failure } from "../../../actors/node/observed-contract.ts";
import type { EngineOwner } from "../../../agent/engine/owner.ts";
import type { EngineClaim } from "../../../agent/engine/ownership.ts";
import { LABEL } from "../../../agent/labels.ts";
import {
  type DesiredContainer,
  type Engine,
  type EngineEvent,
  EngineFailure,
  type EngineLogLine,
  type LogQuery,
} from "../../../agent/engine/port.ts";

/** One engine and the world around it, with the hands of somebody who meddles. */
export interface EngineWorld {
  readonly engine: Engine;
  readonly references: {
    /** Runs until stopped, prints a line when asked to with `printing`. */
    readonly server: string;
    /** Prints to both streams and exits with code 3 after a second. */
    readonly crash: string;
    readonly missing: string;
    readonly otherPlatform: string;
    readonly unreachable: string;
    /** Its command does not exist. */
    readonly noCommand: string;
  };
  /** The server's tag now names other content. */
  moveServerTag(): Promise<void>;
  /** What the agent of another owner hears that asks for this engine. */
  claimAs(owner: EngineOwner): Promise<EngineClaim>;
  /** A container that is not ours; answers its id. */
  createForeign(): Promise<string>;
  killProcess(containerId: string): Promise<void>;
  removeBehindOurBack(containerId: string): Promise<void>;
  removeImageBehindOurBack(image: PinnedImage): Promise<void>;
  pauseBehindOurBack(containerId: string): Promise<void>;
  editBehindOurBack(containerId: string): Promise<void>;
  /** Containers live on. */
  crashEngine(): Promise<void>;
  restartEngine(): Promise<void>;
  down(): Promise<void>;
}

export const OWNER = { tenant: "acme", node: "n1" } as const;

const CONDITION_DEADLINE_MS = 15_000;
const NEVER = new AbortController().signal;

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + CONDITION_DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${CONDITION_DEADLINE_MS} ms: ${what}`);
    await pause(20);
  }
}

export async function failureOf(call: Promise<unknown>): Promise<Omit<Failure, "atMs">> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EngineFailure)) throw new Error(`expected an EngineFailure, got ${String(error)}`, { cause: error });
  return error.failure;
}

export function query(part: Partial<LogQuery> = {}): LogQuery {
  return { follow: false, tail: undefined, sinceMs: undefined, streams: ["stdout", "stderr"], signal: NEVER, ...part };
}

export async function collect(lines: AsyncIterable<EngineLogLine>): Promise<EngineLogLine[]> {
  const all: EngineLogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

let names = 0;
export function desired(image: PinnedImage, part: Partial<DesiredContainer> = {}): DesiredContainer {
  return {
    name: `contract-${++names}`,
    image,
    labels: { [LABEL.tenant]: OWNER.tenant, [LABEL.node]: OWNER.node, [LABEL.deployment]: "web" },
    entrypoint: undefined,
    command: undefined,
    environment: { GREETING: "hello world" },
    ports: [],
    cpuLimitMillis: 500,
    memoryLimitBytes: 64 * 1024 * 1024,
    user: undefined,
    workingDirectory: undefined,
    stopSignal: "SIGTERM",
    stopGraceMs: 5_000,
    hostname: "web-1",
    mounts: [],
    networks: [],
    settings: {},
    limits: {},
    ...part,
  };
}

/** What every engine promises. `up` brings up a world; it is asked once. */
export function describeEngineContract(title: string, up: () => Promise<EngineWorld>): void {
  describe(title, () => {
    let world: EngineWorld;
    let engine: Engine;
    let server: PinnedImage;
    const events: EngineEvent[] = [];
    let watching: { stop(): void };

    beforeAll(async () => {
      world = await up();
      engine = world.engine;
      watching = engine.watch((event) => events.push(event));
      server = (await engine.resolve(world.references.server)).image;
      await engine.pull(server, () => {}, NEVER);
    });
    afterAll(async () => {
      watching?.stop();
      await world?.down();
    });

    const running = async (part: Partial<DesiredContainer> = {}): Promise<string> => {
      const containerId = await engine.create(desired(server, part));
      await engine.start(containerId);
      return containerId;
    };
    const heard = (action: string, containerId: string) =>
      until(`${action} is heard`, () =>
        events.some((event) => event.kind === "container" && event.action === action && event.containerId === containerId),
      );

    test("says what it is", async () => {
      const info = await engine.info();
      expect(info).toMatchObject({ os: "linux", arch: expect.stringMatching(/^(amd64|arm64)$/) });
      expect(Number(info.version.split(".")[0])).toBeGreaterThanOrEqual(20);
      expect(info.cpuMillis).toBeGreaterThanOrEqual(1_000);
      expect(info.memoryBytes).toBeGreaterThan(0);
      const disk = await engine.disk();
      expect(disk.usedBytes).toBeGreaterThan(0);
      expect(disk.totalBytes).toBeGreaterThan(disk.usedBytes);
    });

    test("belongs to the first who asks, as often as they ask, and to nobody else", async () => {
      expect(await engine.claim()).toEqual({ kind: "ours" });
      expect(await engine.claim()).toEqual({ kind: "ours" });
      expect(await world.claimAs({ tenant: OWNER.tenant, node: "n2" })).toMatchObject({
        kind: "refused",
        reason: expect.stringContaining("it is node n1's, and an engine serves one node") as string,
      });
      const refused = await world.claimAs({ tenant: "rival", node: "n1" });
      expect(refused).toMatchObject({ kind: "refused", reason: expect.stringContaining("it is another tenant's") as string });
      expect(JSON.stringify(refused)).not.toContain(OWNER.tenant);
    });

    test("pins an image: when the tag moves, the pinned one stays what it was and can still be pulled", async () => {
      const before = await engine.resolve(world.references.server);
      await world.moveServerTag();
      const after = await engine.resolve(world.references.server);
      expect(before.image).toMatchObject({ reference: world.references.server, source: "registry", digest: server.digest });
      expect(after.image.digest).not.toBe(before.image.digest);
      expect(await engine.hasImage(before.image)).toBe(true);
      expect(await engine.hasImage(after.image)).toBe(false);
      const seen: [number, number][] = [];
      await engine.pull(after.image, (done, total) => seen.push([done, total]), NEVER);
      expect(await engine.hasImage(after.image)).toBe(true);
      // Docker says nothing of a layer that has come before it would have reported.
      const [done, total] = seen.at(-1) ?? [0, 0];
      expect(done).toBe(total);
    });

    test("lists what images it has under the names by which they are asked for, and tells when that changes", async () => {
      const listed = async () => (await engine.images()).images.find(({ references }) => references.includes(listedName(server)));
      expect(await listed()).toMatchObject({ id: expect.stringMatching(/^sha256:/) as string });
      expect((await listed())?.sizeBytes).toBeGreaterThan(0);
      expect((await engine.images()).diskBytes).toBeGreaterThan(0);
      const told = () => events.filter(({ kind }) => kind === "images").length;
      for (const change of [() => world.removeImageBehindOurBack(server), () => engine.pull(server, () => {}, NEVER)]) {
        const before = { told: told(), listed: await listed() };
        await change();
        await until("the change is told", () => told() > before.told);
        expect((await listed()) === undefined).toBe(before.listed !== undefined);
      }
    });

    test("pulls an image from nowhere that is what nodes have themselves", async () => {
      const { missing } = world.references;
      const notHere = { code: "image.not-found", permanent: true, message: expect.stringContaining("is not on this node") };
      expect(await failureOf(engine.resolve(missing, "never"))).toMatchObject(notHere);
      const gone = { reference: missing, digest: `sha256:${"2".repeat(64)}`, source: "node" } as const;
      expect(await failureOf(engine.pull(gone, () => {}, NEVER))).toMatchObject(notHere);
    });

    test("says in words why an image cannot be had", async () => {
      const digest = `sha256:${"1".repeat(64)}`;
      const { missing, otherPlatform, unreachable } = world.references;
      expect(await failureOf(engine.resolve(missing))).toMatchObject({
        code: "image.not-found",
        permanent: true,
        message: expect.stringContaining(missing),
      });
      expect(await failureOf(engine.pull({ reference: missing, digest, source: "registry" }, () => {}, NEVER))).toMatchObject({
        code: "image.not-found",
      });
      expect(await failureOf(engine.resolve(unreachable))).toMatchObject({ code: "image.registry-unavailable", permanent: false });
      const gone = { reference: unreachable, digest, source: "registry" } as const;
      expect(await failureOf(engine.pull(gone, () => {}, NEVER))).toMatchObject({ code: "image.registry-unavailable" });
      expect(await failureOf(engine.create(desired(gone)))).toMatchObject({ code: "image.not-found" });
      const alien = await engine.resolve(otherPlatform);
      expect(alien.platforms.map((platform) => platform.arch)).not.toContain((await engine.info()).arch);
      expect(await failureOf(engine.pull(alien.image, () => {}, NEVER))).toMatchObject({
        code: "image.platform-mismatch",
        permanent: true,
      });
    });

    test("a container lives: created, running, stopped, removed", async () => {
      const wanted = desired(server, { environment: { SIM_STOP_MS: "10" } });
      const containerId = await engine.create(wanted);
      expect(await engine.inspect(containerId)).toMatchObject({
        containerId,
        name: wanted.name,
        state: "created",
        exitCode: undefined,
        address: undefined,
      });
      await engine.start(containerId);
      await engine.start(containerId);
      const now = await engine.inspect(containerId);
      expect(now).toMatchObject({
        state: "running",
        labels: wanted.labels,
        error: "",
        address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      });
      expect(Math.abs((now?.startedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
      expect((await engine.list()).find((item) => item.containerId === containerId)).toMatchObject({
        state: "running",
        address: now?.address ?? "none",
      });
      await engine.stop(containerId, "SIGTERM", 5_000);
      const ended = await engine.inspect(containerId);
      expect(ended).toMatchObject({ state: "exited", exitCode: expect.any(Number), address: undefined });
      expect(ended?.finishedAtMs).toBeGreaterThanOrEqual(ended?.startedAtMs ?? Infinity);
      await engine.stop(containerId, "SIGTERM", 5_000);
      await engine.remove(containerId);
      await engine.remove(containerId);
      await engine.stop(containerId, "SIGTERM", 5_000);
      expect(await engine.inspect(containerId)).toBeUndefined();
      await heard("start", containerId);
      await heard("die", containerId);
      await heard("destroy", containerId);
    });

    test("creating a name again gives the same container, unless it is somebody else's", async () => {
      const wanted = desired(server);
      const containerId = await engine.create(wanted);
      expect(await engine.create(wanted)).toBe(containerId);
      const other = { ...wanted, labels: { ...wanted.labels, [LABEL.deployment]: "other" } };
      expect(await failureOf(engine.create(other))).toMatchObject({ code: "engine.error", message: expect.stringContaining("in use") });
    });

    test("shows only the containers of its owner", async () => {
      const foreign = await world.createForeign();
      const ours = await engine.create(desired(server));
      const listed = (await engine.list()).map((item) => item.containerId);
      expect(listed).toContain(ours);
      expect(listed).not.toContain(foreign);
    });

    test("a process that ignores its signal is killed after the grace", async () => {
      const containerId = await running({ command: ["sleep", "1000"], environment: { SIM_STOP_MS: "-1" } });
      const begin = performance.now();
      await engine.stop(containerId, "SIGTERM", 1_000);
      expect(performance.now() - begin).toBeGreaterThan(900);
      expect(await engine.inspect(containerId)).toMatchObject({ state: "exited", exitCode: 137 });
      expect(await engine.outOfMemory(containerId)).toBe(false);
    });

    test("a process that ends leaves its exit code and its output, both streams told apart", async () => {
      const { image } = await engine.resolve(world.references.crash);
      await engine.pull(image, () => {}, NEVER);
      const beforeMs = Date.now();
      const containerId = await engine.create(desired(image));
      await engine.start(containerId);
      const followed = await collect(engine.logs(containerId, query({ follow: true })));
      await until("it has ended", async () => (await engine.inspect(containerId))?.state === "exited");
      expect(await engine.inspect(containerId)).toMatchObject({ exitCode: 3 });
      expect((await engine.list()).find((item) => item.containerId === containerId)).toMatchObject({ state: "exited", exitCode: 3 });
      await until("its end is heard with the code", () =>
        events.some(
          (event) => event.kind === "container" && event.action === "die" && event.containerId === containerId && event.exitCode === 3,
        ),
      );
      const all = await collect(engine.logs(containerId, query()));
      expect(all).toEqual(followed);
      expect(new Set(all.map((line) => line.stream))).toEqual(new Set(["stdout", "stderr"]));
      for (const line of all) expect(line.atMs).toBeGreaterThan(beforeMs - 5_000);
      expect(await collect(engine.logs(containerId, query({ tail: 1 })))).toEqual(all.slice(-1));
      expect(await collect(engine.logs(containerId, query({ streams: ["stderr"] })))).toEqual(
        all.filter((line) => line.stream === "stderr"),
      );
      expect(await collect(engine.logs(containerId, query({ sinceMs: all.at(-1)?.atMs ?? 0 })))).toEqual(all.slice(-1));
      expect(await collect(engine.logs(containerId, query({ sinceMs: Date.now() + 60_000 })))).toEqual([]);
    });

    test("following ends when the reader has had enough, and when the container is removed", async () => {
      const abort = new AbortController();
      const containerId = await running({ command: ["sh", "-c", "echo ready; exec sleep 1000"] });
      const reading = engine.logs(containerId, query({ follow: true, signal: abort.signal }))[Symbol.asyncIterator]();
      const other = engine.logs(containerId, query({ follow: true }))[Symbol.asyncIterator]();
      for (const iterator of [reading, other]) expect(await iterator.next()).toMatchObject({ done: false });
      const [abortedEnd, removedEnd] = [reading.next(), other.next()];
      abort.abort();
      expect(await abortedEnd).toMatchObject({ done: true });
      await engine.remove(containerId);
      expect(await removedEnd).toMatchObject({ done: true });
      expect(await failureOf(collect(engine.logs(containerId, query())))).toMatchObject({ code: "engine.error" });
    });

    test("says in words why a container does not start", async () => {
      const { image } = await engine.resolve(world.references.noCommand);
      await engine.pull(image, () => {}, NEVER);
      const without = await engine.create(desired(image, { command: ["nonesuch"] }));
      expect(await failureOf(engine.start(without))).toMatchObject({
        code: "command.not-found",
        permanent: true,
        message: expect.stringContaining("nonesuch"),
      });
      expect(await engine.inspect(without)).toMatchObject({
        state: "created",
        exitCode: 127,
        error: expect.stringMatching(/./),
        address: undefined,
      });
      const ports = [{ containerPort: 8080, publishedPort: 18_080, protocol: "tcp" }] as const;
      const first = await running({ ports });
      const second = await engine.create(desired(server, { ports }));
      expect(await failureOf(engine.start(second))).toMatchObject({ code: "port.taken", message: expect.stringContaining("18080") });
      await engine.remove(first);
      await engine.start(second);
      expect(await engine.inspect(second)).toMatchObject({ state: "running", error: "" });
      await engine.remove(second);
    });

    test("measures what a container uses", async () => {
      const containerId = await running();
      const first = await engine.stats(containerId);
      expect(first).toMatchObject({ memoryLimitBytes: 64 * 1024 * 1024 });
      expect(first?.memoryUsedBytes).toBeGreaterThan(0);
      expect(first?.pids).toBeGreaterThan(0);
      await engine.exec(containerId, ["sh", "-c", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done"], 5_000);
      expect((await engine.stats(containerId))?.cpuTotalNs).toBeGreaterThan(first?.cpuTotalNs ?? Infinity);
      await engine.stop(containerId, "SIGTERM", 1_000);
      expect(await engine.stats(containerId)).toBeUndefined();
      const unlimited = await running({ memoryLimitBytes: undefined, cpuLimitMillis: undefined });
      expect(await engine.stats(unlimited)).toMatchObject({ memoryLimitBytes: undefined });
      await engine.remove(unlimited);
      expect(await engine.stats(unlimited)).toBeUndefined();
    });

    test("notices that the kernel killed a container for memory", async () => {
      const hog = ["sh", "-c", "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo $x | wc"];
      const containerId = await running({ memoryLimitBytes: 16 * 1024 * 1024, command: hog, environment: { SIM_OOM_AFTER_MS: "200" } });
      await heard("die", containerId);
      expect(await engine.inspect(containerId)).toMatchObject({ state: "exited", exitCode: 137 });
      expect(await engine.outOfMemory(containerId)).toBe(true);
      await heard("oom", containerId);
    });

    test("runs a probe command in a container", async () => {
      const containerId = await running();
      expect(await engine.exec(containerId, ["sh", "-c", "exit 3"], 5_000)).toMatchObject({ exitCode: 3 });
      await until("it is healthy", async () => (await engine.exec(containerId, ["true"], 5_000)).exitCode === 0);
      await engine.stop(containerId, "SIGTERM", 1_000);
      expect(await failureOf(engine.exec(containerId, ["true"], 5_000))).toMatchObject({ code: "engine.error" });
    });

    test("shows what is done behind our back", async () => {
      const killed = await running();
      await world.killProcess(killed);
      await heard("die", killed);
      expect(await engine.inspect(killed)).toMatchObject({ state: "exited", exitCode: 137 });
      expect(await engine.outOfMemory(killed)).toBe(false);
      const removed = await running();
      await world.removeBehindOurBack(removed);
      await heard("destroy", removed);
      expect(await engine.inspect(removed)).toBeUndefined();
      const paused = await running();
      expect(await engine.unpause(paused)).toBe("already-running");
      await world.pauseBehindOurBack(paused);
      await heard("pause", paused);
      expect(await engine.inspect(paused)).toMatchObject({ state: "paused" });
      expect(await engine.unpause(paused)).toBe("unpaused");
      await until("it is said to run", async () => (await engine.inspect(paused))?.state === "running");
      const stopped = await running();
      await world.pauseBehindOurBack(stopped);
      await engine.stop(stopped, "SIGTERM", 1_000);
      expect(await engine.inspect(stopped)).toMatchObject({ state: "exited" });
    });

    test("a container edited by hand has other settings than its label; an untouched one has the same, running or not", async () => {
      const ports = [
        { containerPort: 8080, publishedPort: 18_081, protocol: "tcp" },
        { containerPort: 9_090, publishedPort: undefined, protocol: "udp" },
      ] as const;
      const containerId = await engine.create(desired(server, { ports, workingDirectory: "/tmp", user: "0:0" }));
      const created = await engine.inspect(containerId);
      expect(created?.settings).toBe(created?.labels[LABEL.settings]);
      await engine.start(containerId);
      expect((await engine.inspect(containerId))?.settings).toBe(created?.settings);
      await world.editBehindOurBack(containerId);
      await heard("update", containerId);
      const edited = await engine.inspect(containerId);
      expect(edited?.labels[LABEL.settings]).toBe(created?.settings);
      expect(edited?.settings).not.toBe(created?.settings);
      await engine.stop(containerId, "SIGTERM", 1_000);
      expect((await engine.inspect(containerId))?.settings).toBe(edited?.settings);
    });

    test("survives the engine: it says when it is gone, fails in words meanwhile, and comes back", async () => {
      const containerId = await running();
      const reading = collect(engine.logs(containerId, query({ follow: true }))).catch((error: unknown) => error);
      events.length = 0;
      await world.crashEngine();
      await until("it is said to be gone", () => events.some((event) => event.kind === "disconnected"));
      expect(await failureOf(engine.list())).toMatchObject({ code: "engine.unavailable", permanent: false });
      expect(await failureOf(engine.start(containerId))).toMatchObject({ code: "engine.unavailable" });
      await reading;
      events.length = 0;
      await world.restartEngine();
      await until("it is said to be back", () => events.some((event) => event.kind === "connected"));
      expect(await engine.claim()).toEqual({ kind: "ours" });
      expect(await engine.inspect(containerId)).toMatchObject({ state: "running" });
      await engine.remove(containerId);
      await heard("destroy", containerId);
    });
  });
}
