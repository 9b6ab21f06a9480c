import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContainerView } from "../../../actors/views.ts";
import { exitCodes } from "../../../ops/start/exit-codes.mjs";
import { until } from "../../../ops/testbed/command.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { requireCapability } from "../../support/capability.ts";
import { api, newHome, processesOf, start, type Start, untilNothingRunsFor } from "./start.ts";

const TEST_TIMEOUT_MS = 120_000;

const describeOnTestbed = await requireCapability("testbed");

describeOnTestbed("a start with this machine's engine as its node", () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "local-node", nodes: 1 });
    await bed.up();
    await bed.loadImages(1, [bed.images.bb1]);
  });

  afterAll(() => bed.down());

  const startHere = (home: string): Promise<Start> => start(home, [], { dockerHost: bed.node(1).dockerHost });

  const replica = async (home: string, name: string): Promise<ContainerView> => {
    const first = async (): Promise<ContainerView | undefined> =>
      ((await api(home, "GET", `/containers?deployment=${name}`)).body as { items: ContainerView[] }).items[0];
    await until(`${name} is healthy`, async () => (await first())?.health === "healthy", 60_000);
    return (await first()) ?? Promise.reject(new Error(`${name} has no replica`));
  };

  const deploy = async (home: string, name: string): Promise<ContainerView> => {
    const node = async (): Promise<boolean> =>
      ((await api(home, "GET", "/nodes")).body as { items: { status: string }[] }).items[0]?.status === "healthy";
    await until("the node is healthy", node, 30_000);
    const { status, body } = await api(home, "POST", "/deployments", { name, image: "odysseus-test/bb:1" });
    expect({ status, body }).toMatchObject({ status: 200 });
    return replica(home, name);
  };

  const isRunning = async (containerId: string | undefined): Promise<boolean> =>
    (await bed.node(1).docker(["inspect", "--format", "{{.State.Running}}", containerId ?? ""])).trim() === "true";

  test(
    "ends with Ctrl-C in order and leaves its containers alone; the next start adopts them",
    async () => {
      const home = newHome();
      const first = await startHere(home);
      await first.ready();
      const before = await deploy(home, "calm");
      first.child.kill("SIGINT");
      const { code, stderr } = await first.ended;
      expect(code).toBe(exitCodes.ok);
      expect(stderr).toContain("Stopping: the API, the agent, the control plane, NATS. Containers stay as they are.");
      expect(processesOf(home)).toEqual([]);
      expect(await isRunning(before.containerId)).toBe(true);
      const second = await startHere(home);
      await second.ready();
      expect((await api(home, "GET", "/deployments/calm")).body).toMatchObject({ healthyReplicas: 1 });
      expect(await replica(home, "calm")).toMatchObject({ containerId: before.containerId, restarts: 0 });
      expect((await api(home, "DELETE", "/deployments/calm")).status).toBe(200);
      await until("it is gone", async () => (await api(home, "GET", "/deployments/calm")).status === 404, 30_000);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "killed with -9, its agent and its NATS end by themselves, containers stay, and the next start works",
    async () => {
      const home = newHome();
      const first = await startHere(home);
      await first.ready();
      const before = await deploy(home, "sudden");
      first.child.kill("SIGKILL");
      await untilNothingRunsFor(home);
      expect(await isRunning(before.containerId)).toBe(true);
      const second = await startHere(home);
      await second.ready();
      expect(await replica(home, "sudden")).toMatchObject({ containerId: before.containerId, restarts: 0 });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "killed with -9 and started again at once, it does not stumble over what the first one left",
    async () => {
      const home = newHome();
      const first = await startHere(home);
      await first.ready();
      const before = await deploy(home, "hasty");
      first.child.kill("SIGKILL");
      await first.ended;
      const second = await startHere(home);
      await second.ready();
      expect(await replica(home, "hasty")).toMatchObject({ containerId: before.containerId, restarts: 0 });
    },
    TEST_TIMEOUT_MS,
  );
});
