import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MemberPage } from "../../../ops/cli/stack-members.ts";
import { type CliResult, runCli } from "../../support/run-cli.ts";
import { type SimulatedControlPlane, startSimulatedControlPlane } from "../../support/simulated-control-plane.ts";

const MEMBERS = 60;

let plane: SimulatedControlPlane;
let folder: string;
beforeAll(async () => {
  plane = await startSimulatedControlPlane(3);
  folder = mkdtempSync(join(tmpdir(), "odysseus-many-"));
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const odysseus = (...args: readonly string[]): Promise<CliResult> => runCli(args, plane.env);
const lines = ({ stdout }: CliResult): readonly string[] => stdout.trimEnd().split("\n");

test("a stack of many services is told in counts and by what is not well, and whole when that is asked for", async () => {
  const file = join(folder, "compose.yaml");
  const service = (_: unknown, index: number): string =>
    `  s${String(index).padStart(2, "0")}: {image: "shop/many:1", network_mode: bridge, x-odysseus: {rollout: {minHealthyMs: 200}}}\n`;
  writeFileSync(file, `name: many\nservices:\n${Array.from({ length: MEMBERS }, service).join("")}`);
  const applied = await odysseus("apply", file, "--wait");
  expect(applied.code).toBe(0);
  expect(lines(applied)[0]).toBe("many: revision 1 is rolling out: create s00, s01, s02 and 57 more");
  expect(lines(applied)[1]).toMatch(/^ +\S+ {2}many: \d+ of 60 done; /);
  expect(lines(applied).at(-1)).toMatch(/^many: revision 1 is running, 60 members \(/);
  expect(lines(applied).length).toBeLessThan(MEMBERS / 2);

  const well = await odysseus("stack", "show", "many");
  expect(lines(well)).toEqual(["many: running, revision 1: 60 members are well", "60 members: 60 running; --all shows each"]);
  expect(lines(await odysseus("stack", "show", "many", "--all"))).toHaveLength(2 + MEMBERS);

  await odysseus("stop", "many/s30", "--wait");
  await odysseus("scale", "many/s31", "2", "--wait");
  const [head, , first, second, last, ...rest] = lines(await odysseus("stack", "show", "many"));
  expect(head).toMatch(/^many: degraded, .*many-s30/);
  expect(first).toMatch(/^s30 +many-s30 +stopped/);
  expect(second).toMatch(/^s31 +many-s31 +running +2\/2 .*replicas$/);
  expect(last).toBe("60 members: 59 running, 1 stopped; --all shows each");
  expect(rest).toEqual([]);

  const restarted = await odysseus("stack", "restart", "many", "--wait");
  expect(lines(restarted)[0]).toBe("many: restarting s00, s01, s02 and 56 more; not restarted: s30 is stopped");
  expect(lines(restarted).at(-1)).toMatch(/^many: restarted, revision 1 is running, 60 members \(/);
  expect((await odysseus("stack", "history", "many")).stdout).toMatch(/restart +succeeded .*restart s00 .*; and 54 more/);

  const page = JSON.parse((await odysseus("stacks", "members", "many", "--limit", "2", "--json")).stdout) as MemberPage;
  expect(page).toMatchObject({ stack: { name: "many", serviceCount: MEMBERS }, items: [{ service: "s00" }, { service: "s01" }] });
  const { next } = page;
  const after = JSON.parse(
    (await odysseus("stacks", "members", "many", "--limit", "1", "--cursor", next ?? "", "--json")).stdout,
  ) as MemberPage;
  expect(after.items).toMatchObject([
    { service: "s02", deployment: "many-s02", now: { status: "running", image: "shop/many:1" }, drift: [] },
  ]);
  expect(await odysseus("stacks", "members", "mayn")).toMatchObject({ code: 43, stderr: expect.stringContaining('"many"') });
}, 120_000);
