import { afterAll, beforeAll, expect, test } from "vitest";
import { formSwarm, leaveSwarm, measureCreate, measureReplacement, measureUpdate } from "../../../ops/testbed/swarm.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { requireCapability } from "../../support/capability.ts";

const describeOnTestbed = await requireCapability("testbed");

/** On a machine that is busy with other suites as well. */
const MEASURING_TIMEOUT_MS = 120_000;

/** Small counts: this shows that the yardstick measures; the figures themselves belong to the benches. */
describeOnTestbed("Docker Swarm on the testbed's engines", () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "swarm", nodes: 2 });
    await bed.up();
    await formSwarm(bed);
  });

  afterAll(() => bed.down());

  test("creation, update and replacement take time, and end", { timeout: MEASURING_TIMEOUT_MS }, async () => {
    expect(await measureCreate(bed, 2)).toBeGreaterThan(0);
    expect(await measureUpdate(bed, 2)).toBeGreaterThan(0);
    const [replacement] = await measureReplacement(bed, 1);
    expect(replacement).toBeGreaterThan(0);
    await leaveSwarm(bed);
  });
});
