import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentProcess } from "../../../ops/agent/process.ts";
import { sourceState } from "../../../ops/agent/source-state.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "agent-process-"))));
afterEach(() => rmSync(directory, { recursive: true }));

describe("sources of the agent are compiled before it starts", () => {
  test("once, for all agents that share a directory", async () => {
    const first = await agentProcess("one.json", directory);
    const compiled = readdirSync(directory, { recursive: true });
    expect(compiled.length).toBeGreaterThan(100);
    const second = await agentProcess("two.json", directory);
    expect(readdirSync(directory, { recursive: true })).toEqual(compiled);
    expect([first, second].map(({ command }) => command.at(-1))).toEqual(["one.json", "two.json"]);
    expect(second.env["NODE_COMPILE_CACHE"]).toBe(directory);
  });

  test("again, when a source came, went or was written", () => {
    const file = join(directory, "inner", "plan.ts");
    mkdirSync(join(directory, "inner"));
    const states = [sourceState([directory])];
    writeFileSync(file, "export {};");
    states.push(sourceState([directory]));
    utimesSync(file, 1, 1);
    states.push(sourceState([directory]));
    writeFileSync(join(directory, "notes.txt"), "no source");
    expect(sourceState([directory])).toBe(states[2]);
    rmSync(file);
    expect(sourceState([directory])).toBe(states[0]);
    expect(new Set(states).size).toBe(3);
  });
});
