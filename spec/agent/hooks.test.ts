import { afterEach, describe, expect, test } from "vitest";
import { NodeAllowance } from "../../actors/node/allowance-contract.ts";
import { NodeUnderTest } from "./node-under-test.ts";

/** The simulated engine ends a command with the number that is its last word. */
const SUCCEEDS = { command: ["sh", "-c", "exit 0"] };
const FAILS = { command: ["sh", "-c", "exit 7"] };

let node: NodeUnderTest;
afterEach(() => node.stop());

async function nodeWith(template: object, allows?: NodeAllowance): Promise<NodeUnderTest> {
  node = new NodeUnderTest();
  await node.start(allows);
  await node.assign(await node.placement({ template }));
  return node;
}

describe("commands after the start", () => {
  test("come before the replica counts as running", async () => {
    await nodeWith({ postStart: [SUCCEEDS, SUCCEEDS] });
    await node.untilHealthy();
    expect(node.status()).toMatchObject({ attempt: 1, restarts: 0 });
  });

  test("that fail end the attempt, and it is said which one and how; the next attempt tries again", async () => {
    await nodeWith({ postStart: [SUCCEEDS, FAILS] });
    await node.clock.until("the second attempt has failed too", () => (node.status()?.restarts ?? 0) >= 2, 600_000);
    expect(node.status()?.failure).toMatchObject({
      code: "hook.failed",
      message: expect.stringMatching(/sh -c exit 7, which runs after the start, ended with code 7: exit 7/),
    });
    expect(node.history.filter(({ current }) => current.phase === "running")).toEqual([]);
    expect(node.status()?.lastExit).toMatchObject({ cause: "start-failed" });
  });

  test("are not waited for once the replica is not wanted any more", async () => {
    await nodeWith({ postStart: [FAILS] });
    await node.clock.until("it has failed once", () => node.status()?.restarts === 1, 600_000);
    await node.assign(await node.placement({ template: { postStart: [FAILS] }, desired: "stopped" }));
    await node.untilPhase("stopped");
    await node.clock.until("nothing is left of it", () => node.containers().length === 0, 60_000);
  });
});

describe("commands before the stop", () => {
  const stoppedWith = async (preStop: readonly object[]): Promise<string> => {
    const template = { preStop, stopGraceMs: 2_000 };
    await nodeWith(template);
    await node.untilHealthy();
    await node.assign(await node.placement({ template, desired: "stopped" }));
    await node.untilPhase("stopped");
    return node.status()?.lastExit?.message ?? "";
  };

  test("are run, and nothing is said of those that succeed", async () => {
    expect(await stoppedWith([SUCCEEDS])).toMatch(/^stopped as asked \(exit code 143\)$/);
  });

  test("that fail do not keep it from being stopped, and are told", async () => {
    expect(await stoppedWith([FAILS])).toMatch(/^stopped as asked .*; the command sh -c exit 7 before the stop ended with code 7: exit 7$/);
  });
});

describe("what reaches into the node", () => {
  const wanting = { privileged: true, capAdd: ["NET_ADMIN", "SYS_ADMIN"], devices: [{ source: "/dev/snd" }] };

  test("is refused by the agent unless its own settings allow it, whatever the control plane says", async () => {
    await nodeWith(wanting);
    await node.clock.until("it is refused", () => node.status()?.failure?.code === "node.not-allowed", 60_000);
    expect(node.status()?.failure).toMatchObject({
      permanent: true,
      message: expect.stringMatching(
        /n1 does not allow privileged containers and its device \/dev\/snd and the capability SYS_ADMIN\. To allow it, set allow\.privileged to true and add "\/dev\/snd" to allow\.devices and add "SYS_ADMIN" to allow\.capabilities in the settings of its agent\./,
      ),
    });
    expect(node.containers()).toEqual([]);
  });

  test("is done where it is allowed", async () => {
    await nodeWith(wanting, NodeAllowance.parse({ privileged: true }));
    await node.untilHealthy();
  });
});
