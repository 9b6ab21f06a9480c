import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import { assignmentMessages } from "../../actors/node/assignment-messages.ts";
import type { Assignment, AssignmentChange, Placement } from "../../actors/node/assignment-contract.ts";
import { DiskFailure } from "../../agent/agent-disk.ts";
import { KeptAssignment } from "../../agent/kept-assignment.ts";
import { MemoryDisk } from "../../agent/memory-disk.ts";
import { silentLog } from "../../runtime/log.ts";

const template = PinnedTemplate.parse({
  image: { reference: "app:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" },
  environment: { ABOUT: "x".repeat(200) },
});
const placement = (slot: number): Placement => ({
  placementId: `web.${slot}.1`,
  deployment: "web",
  slot,
  revision: 1,
  template,
  desired: "running",
});
const assignmentOf = (number: number, placements: readonly Placement[], epoch = 1): Assignment => ({
  kind: "assignment",
  tenant: "acme",
  node: "n1",
  epoch,
  number,
  placements: [...placements],
  prefetch: [],
});
const many = Array.from({ length: 200 }, (_, index) => placement(index + 1));
const changeBetween = (before: Assignment, after: Assignment) => assignmentMessages(after, before)[0] as AssignmentChange;
const recalled = (disk: MemoryDisk) => new KeptAssignment(disk, silentLog).recall();

test("one replica of hundreds that comes or goes writes no more than itself, and the whole is written anew before the changes outgrow it", async () => {
  const disk = new MemoryDisk();
  const kept = new KeptAssignment(disk, silentLog);
  let held = assignmentOf(1, many);
  await kept.keep(held, undefined);
  const whole = (await disk.read("assignment.json"))?.length ?? 0;
  for (let number = 2; number < 150; number += 1) {
    const next = assignmentOf(number, held.placements.slice(1));
    await kept.keep(next, changeBetween(held, next));
    held = next;
    const texts = await Promise.all((await disk.names()).map((name) => disk.read(name)));
    expect(texts.reduce((chars, text) => chars + (text?.length ?? 0), 0)).toBeLessThanOrEqual(2 * whole);
    expect(texts.length).toBeLessThanOrEqual(101);
  }
  expect(await recalled(disk)).toEqual(held);
});

test("what an agent was given is what its next life begins with, whatever it was and wherever the last one ended", async () => {
  const step = fc.record({
    slots: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 }),
    isWhole: fc.boolean(),
    ends: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const disk = new MemoryDisk();
      let kept = new KeptAssignment(disk, silentLog);
      let held: Assignment | undefined;
      for (const [index, { slots, isWhole, ends }] of steps.entries()) {
        const next = assignmentOf(index + 1, slots.map(placement));
        const before = await disk.names();
        const texts = await Promise.all(before.map((name) => disk.read(name)));
        await kept.keep(next, held === undefined || isWhole ? undefined : changeBetween(held, next));
        held = next;
        if (ends > 0) continue;
        // It ends here, before it has removed anything that was there.
        for (const [position, name] of before.entries())
          if (!(await disk.names()).includes(name)) await disk.write(name, texts[position] ?? "");
        kept = new KeptAssignment(disk, silentLog);
        expect((await kept.recall())?.number).toBe(held.number);
      }
      const again = await recalled(disk);
      const byId = (placements: readonly Placement[] = []) => new Map(placements.map((each) => [each.placementId, each]));
      expect(again?.number).toBe(held?.number);
      expect(byId(again?.placements)).toEqual(byId(held?.placements));
    }),
  );
});

test("of a change that makes no sense nothing is believed, and of one that did not fit the one before is there", async () => {
  const disk = new MemoryDisk();
  const kept = new KeptAssignment(disk, silentLog);
  const [first, second, third] = [assignmentOf(1, many), assignmentOf(2, many.slice(1)), assignmentOf(3, many.slice(2))];
  await kept.keep(first, undefined);
  await kept.keep(second, changeBetween(first, second));
  disk.fill();
  await expect(kept.keep(third, changeBetween(second, third))).rejects.toThrow(DiskFailure);
  disk.free();
  expect((await recalled(disk))?.number).toBe(2);
  await kept.keep(third, changeBetween(second, third));
  expect((await recalled(disk))?.number).toBe(3);
  await disk.write("assignment-change-1-2.json", '{"kind":"assign');
  expect(await recalled(disk)).toBeUndefined();
});
