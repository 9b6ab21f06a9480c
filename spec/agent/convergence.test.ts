import fc from "fast-check";
import { expect, test } from "vitest";
import { LABEL } from "../../agent/labels.ts";
import { NodeUnderTest } from "./node-under-test.ts";

const RUNS = 60;
const SETTLE_MS = 15 * 60_000;
const ids = ["web.1.1", "web.2.2", "db.1.1"];

const act = fc.oneof(
  fc.record({ kind: fc.constantFrom("kill", "remove", "stop", "pause", "edit"), container: fc.nat(5) }),
  fc.record({
    kind: fc.constant("assign"),
    desired: fc.array(fc.constantFrom("running", "stopped", "absent"), { minLength: 3, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constantFrom("engine-restart", "engine-crash", "engine-return", "agent-restart", "lose-disk", "fill-disk", "free-disk"),
  }),
  fc.record({ kind: fc.constant("wait"), ms: fc.integer({ min: 1, max: 3_000 }) }),
);

test("whatever happens, a node becomes what its assignment says, and then does nothing more", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
      const node = new NodeUnderTest();
      await node.start();
      const foreign = await foreignContainer(node);
      let desired: readonly string[] = ["running", "running", "running"];
      const assign = async () => {
        const placements = await Promise.all(
          ids.map((id, index) => node.placement({ id, desired: desired[index] === "stopped" ? "stopped" : "running" })),
        );
        return node.assign(...placements.filter((_placement, index) => desired[index] !== "absent"));
      };
      await assign();
      for (const step of acts) {
        if (step.kind === "assign" && "desired" in step) {
          desired = step.desired;
          await assign();
        } else if (step.kind === "wait" && "ms" in step) await node.clock.advance(step.ms);
        else if ("container" in step) meddle(node, step.kind, step.container);
        else await fault(node, step.kind);
      }
      node.engine.restart();
      node.disk.free();
      await assign();
      await node.clock.advance(SETTLE_MS);
      expect(runningIds(node)).toEqual(ids.filter((_id, index) => desired[index] === "running").toSorted());
      expect(
        node.engine.containers().filter((container) => container.labels[LABEL.placement] !== undefined && container.state !== "running"),
      ).toEqual([]);
      const endedByEngine = acts.some((step) => step.kind === "engine-restart");
      expect(node.engine.containers().find((container) => container.containerId === foreign)).toMatchObject({
        state: endedByEngine ? "exited" : "running",
      });
      const before = JSON.stringify(node.engine.containers());
      const told = node.history.length;
      await node.clock.advance(60_000);
      expect(JSON.stringify(node.engine.containers())).toBe(before);
      expect(node.history.length).toBe(told);
      for (const id of node.told.keys()) expect(sequencesOf(node, id)).toEqual(sequencesOf(node, id).toSorted((one, other) => one - other));
      await node.stop();
    }),
    { numRuns: RUNS },
  );
}, 120_000);

const ours = (node: NodeUnderTest) => node.engine.containers().filter((container) => container.labels[LABEL.placement] !== undefined);
const runningIds = (node: NodeUnderTest) =>
  ours(node)
    .filter((container) => container.state === "running")
    .map((container) => container.labels[LABEL.placement] ?? "")
    .toSorted((one, other) => one.localeCompare(other));
const sequencesOf = (node: NodeUnderTest, id: string) =>
  node.history.filter((status) => status.placementId === id).map((status) => status.sequence);

async function foreignContainer(node: NodeUnderTest): Promise<string> {
  const { template } = await node.placement();
  const ids: string[] = [];
  const desired = {
    name: "foreign",
    image: template.image,
    labels: {},
    environment: {},
    ports: [],
    stopSignal: "SIGTERM",
    stopGraceMs: 1_000,
    hostname: "foreign",
    mounts: [],
    networks: [],
    settings: {},
    limits: {},
  };
  const absent = {
    entrypoint: undefined,
    command: undefined,
    cpuLimitMillis: undefined,
    memoryLimitBytes: undefined,
    user: undefined,
    workingDirectory: undefined,
  };
  void node.engine
    .pull(template.image, () => undefined, new AbortController().signal)
    .then(() => node.engine.create({ ...desired, ...absent }))
    .then(async (id) => {
      await node.engine.start(id);
      ids.push(id);
    });
  await node.clock.until("the foreign container runs", () => ids.length === 1);
  return ids[0] ?? "";
}

function meddle(node: NodeUnderTest, kind: string, index: number): void {
  const containers = ours(node);
  const container = containers[index % Math.max(1, containers.length)];
  if (container === undefined) return;
  const { containerId } = container;
  if (kind === "kill") node.engine.killProcess(containerId);
  if (kind === "remove") node.engine.removeBehindOurBack(containerId);
  if (kind === "stop") node.engine.stopBehindOurBack(containerId);
  if (kind === "pause") node.engine.pauseBehindOurBack(containerId);
  if (kind === "edit") node.engine.editBehindOurBack(containerId, 64 * 1024 * 1024);
}

async function fault(node: NodeUnderTest, kind: string): Promise<void> {
  if (kind === "engine-restart") node.engine.restart("stopped");
  if (kind === "engine-crash") node.engine.crash();
  if (kind === "engine-return") node.engine.restart();
  if (kind === "fill-disk") node.disk.fill();
  if (kind === "free-disk") node.disk.free();
  if (kind !== "agent-restart" && kind !== "lose-disk") return;
  await node.stop();
  if (kind === "lose-disk") for (const name of await node.disk.names()) await node.disk.remove(name);
  await node.start();
}
