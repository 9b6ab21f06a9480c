import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { prepare } from "../../../ops/testbed/prepare.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { requireCapability } from "../../support/capability.ts";
import { tracesOf } from "./traces.ts";

const describeOnTestbed = await requireCapability("testbed");

/** A test run that is killed in the middle: the testbed it leaves behind. */
async function abandonedBed(): Promise<{ readonly name: string; readonly token: string }> {
  const owner = spawn(process.execPath, [join(import.meta.dirname, "fixtures/abandon.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(owner.stdout, "data")) as [Buffer];
  owner.kill("SIGKILL");
  await once(owner, "exit");
  return JSON.parse(line.toString()) as { name: string; token: string };
}

describeOnTestbed("what a killed test run leaves behind", () => {
  test("is swept away by the next preparation", async () => {
    const bed = await abandonedBed();
    expect(tracesOf(bed)).not.toEqual([]);
    expect((await prepare()).kind).toBe("ready");
    expect(tracesOf(bed)).toEqual([]);
  });

  test("a testbed that belongs to nobody stays, and goes by its name", async () => {
    const made = await Testbed.create({ name: "nobodys", nodes: 1, owner: "nobody" });
    await made.up();
    await prepare();
    const found = await Testbed.attach(made.name);
    expect(found?.node(1).isPoweredOn).toBe(true);
    await found?.down();
    expect(tracesOf(made)).toEqual([]);
    await made.down();
  });
});
