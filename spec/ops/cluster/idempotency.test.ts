import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuditView } from "../../../actors/audit/operations.ts";
import type { ChangeView } from "../../../actors/views.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { deployHealthy, onEngines, untilEnginesAgree, webSpec } from "./engines.ts";

const REPLICAS = 3;
/** Between sending a command and killing the control plane, milliseconds: before it arrives, while it is written, while it is answered, afterwards. */
const KILL_AFTER_MS = [0, 3, 6, 10, 15, 25, 50, 100, 200];
/** Between an update and the kills during its rollout. */
const ROLLOUT_KILLS_MS = [
  [0, 400],
  [150, 800],
  [300, 1_200],
  [700, 100],
  [1_500, 0],
];

const describeOnCluster = await requireCapability("testbed");

interface Change {
  readonly generation: number;
  readonly rollout: number;
}

describeOnCluster("commands that are sent twice, and a control plane that is killed at any moment", () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "idempotency" });
    await deployHealthy(cluster, webSpec("web", cluster.image("bb1"), { replicas: REPLICAS, rollout: { minHealthyMs: 200 } }));
  }, 180_000);

  afterAll(() => cluster.stop());

  const update = (value: string, key: string): ReturnType<Cluster["api"]> =>
    cluster.api("PATCH", "/deployments/web", { environment: { VALUE: value } }, { "idempotency-key": key });

  const history = async (): Promise<readonly ChangeView[]> =>
    ((await cluster.api("GET", "/deployments/web/history?limit=200")).body as { items: ChangeView[] }).items;

  const accepted = async (operation: string): Promise<readonly AuditView[]> =>
    (
      (await cluster.api("GET", `/audit?resource=default/deployment/web&operation=${operation}&outcome=accepted&limit=200`)).body as {
        items: AuditView[];
      }
    ).items;

  const changesOf = async (value: string): Promise<number> =>
    (await history()).filter(({ diff }) => diff.some(({ path, after }) => path === "environment.VALUE" && after === value)).length;

  const settled = async (): Promise<void> => {
    await cluster.until(
      "no rollout is under way",
      async () => (await cluster.deployment("web")).rollout.outcome !== "in-progress",
      120_000,
    );
    await untilEnginesAgree(cluster, "web", REPLICAS);
  };

  test("the same key twice acts once and answers alike; with other input it is refused", async () => {
    const first = await update("first", "one-key");
    const again = await update("first", "one-key");
    expect(first.status).toBe(200);
    expect(again).toEqual(first);
    expect(await update("second", "one-key")).toMatchObject({ status: 422, body: { code: "idempotency.mismatch" } });
    expect(await changesOf("first")).toBe(1);
    await settled();
  });

  test("the same key at the same time, many times over, acts once", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => update("at-once", "many-at-once")));
    expect(new Set(answers.map(({ body }) => (body as Change).generation)).size).toBe(1);
    expect(await changesOf("at-once")).toBe(1);
    await settled();
  });

  test("a command whose control plane is killed is repeated with its key and acts exactly once", async () => {
    const auditBefore = (await accepted("deployments.update")).length;
    const generationBefore = (await cluster.deployment("web")).generation;
    for (const [round, afterMs] of KILL_AFTER_MS.entries()) {
      const key = `killed-${round}`;
      const interrupted = update(key, key).catch(() => undefined);
      await delay(afterMs);
      await cluster.killControlPlane();
      const answered = await interrupted;
      await cluster.startControlPlane();
      const repeated = await update(key, key);
      expect(repeated).toMatchObject({ status: 200 });
      if (answered !== undefined) expect(repeated.body).toEqual(answered.body);
      expect(await changesOf(key)).toBe(1);
    }
    expect((await accepted("deployments.update")).length).toBe(auditBefore + KILL_AFTER_MS.length);
    await settled();
    const { rollout, generation } = await cluster.deployment("web");
    expect({ outcome: rollout.outcome, generation }).toEqual({ outcome: "succeeded", generation: generationBefore + KILL_AFTER_MS.length });
  }, 240_000);

  test("creations and restarts likewise: repeated after a kill they act once, and a name is not taken by its own creation", async () => {
    const send = (method: string, path: string, key: string, body?: unknown): ReturnType<Cluster["api"]> =>
      cluster.api(method, path, body, { "idempotency-key": key });
    for (const afterMs of [20, 60, 120]) {
      const name = `made-${afterMs}`;
      const steps = [
        () => send("POST", "/deployments", `create-${afterMs}`, webSpec(name, cluster.image("bb1"), { rollout: { minHealthyMs: 100 } })),
        () => send("POST", `/deployments/${name}/restart`, `restart-${afterMs}`),
      ];
      for (const step of steps) {
        const interrupted = step().catch(() => undefined);
        await delay(afterMs);
        await cluster.killControlPlane();
        await interrupted;
        await cluster.startControlPlane();
        await cluster.until("a node can be asked", async () => (await cluster.nodes()).some(({ status }) => status === "healthy"));
        expect(await step()).toMatchObject({ status: 200 });
      }
      const { items } = (await cluster.api("GET", `/deployments/${name}/history`)).body as { items: ChangeView[] };
      expect(items.map(({ change }) => change)).toEqual(["restart", "create"]);
      await untilEnginesAgree(cluster, name, 1);
      await cluster.api("DELETE", `/deployments/${name}`);
    }
  }, 120_000);

  test("killed at many moments of a rollout, it ends truthfully and nothing is there twice", async () => {
    for (const [round, momentsMs] of ROLLOUT_KILLS_MS.entries()) {
      const { body } = await update(`rollout-${round}`, `rollout-${round}`);
      for (const afterMs of momentsMs) {
        await delay(afterMs);
        await cluster.killControlPlane();
        await cluster.startControlPlane();
      }
      await settled();
      const { rollout } = await cluster.deployment("web");
      expect(rollout).toMatchObject({ id: (body as Change).rollout, outcome: "succeeded" });
      for (const { containerId, node } of await onEngines(cluster, "web")) {
        const environment = await cluster.bed
          .node(Number(node.slice(1)))
          .docker(["inspect", "--format", "{{json .Config.Env}}", containerId]);
        expect(environment).toContain(`VALUE=rollout-${round}`);
      }
    }
    expect((await accepted("rollout.succeeded")).length).toBe(
      (await history()).filter(({ rollout }) => rollout.outcome === "succeeded").length,
    );
  }, 240_000);

  test("a deletion whose control plane is killed leaves nothing behind", async () => {
    const deletion = (): ReturnType<Cluster["api"]> => cluster.api("DELETE", "/deployments/web", undefined, { "idempotency-key": "gone" });
    const interrupted = deletion().catch(() => undefined);
    await delay(5);
    await cluster.killControlPlane();
    await interrupted;
    await cluster.startControlPlane();
    expect((await deletion()).status).toBe(200);
    await cluster.until("it is gone", async () => (await cluster.api("GET", "/deployments/web")).status === 404);
    await cluster.until("nothing of it is left on the engines", async () => (await onEngines(cluster, "web")).length === 0);
    expect((await accepted("deployments.delete")).length).toBe(1);
  });
});
