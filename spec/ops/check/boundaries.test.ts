import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";

const FIXTURE = "spec/ops/check/fixtures/wrong";

function runTool(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ...environment } });
  return { status, output: stdout + stderr };
}

describe("the boundaries between folders", () => {
  test("a tree that breaks the table of ARCHITECTURE.md fails the check, rule by rule", () => {
    const { status, output } = runTool(
      ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", "--config", ".dependency-cruiser.mjs", FIXTURE],
      { ODYSSEUS_BOUNDARY_ROOT: FIXTURE },
    );
    expect(status).not.toBe(0);
    for (const rule of [
      "runtime-boundary",
      "agent-boundary",
      "actors-boundary",
      "web-app-boundary",
      "storage-boundary",
      "deciders-are-pure",
    ]) {
      expect(output).toContain(`error ${rule}`);
    }
  });
});

describe("the purity of deciders", () => {
  test("a state.ts that knows a clock, randomness, timers, the process or a file fails the lint", () => {
    // A copy, because the project's own lint leaves fixtures out.
    const copy = mkdtempSync(join(tmpdir(), "odysseus-impure-"));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    cpSync(FIXTURE, copy, { recursive: true });
    const { status, output } = runTool(["node_modules/oxlint/bin/oxlint", "-c", ".oxlintrc.json", "--format=unix", copy]);
    expect(status).not.toBe(0);
    for (const impurity of ["'Math.random'", "'Date'", "'setTimeout'", "'process'", "'node:fs'"]) expect(output).toContain(impurity);
  });
});
