import { describe, expect, test } from "vitest";
import { operations } from "../../../actors/operations.ts";
import { exitCodeRows, exitCodes } from "../../../ops/cli/exit-codes.ts";
import { buildProgram } from "../../../ops/cli/program.ts";
import { everyday } from "../../../ops/cli/everyday.ts";
import { phraseOf } from "../../../ops/cli/generic.ts";
import { type RouteName, routes } from "../../../ops/cli/routes.ts";
import { exitCodes as startCodes } from "../../../ops/start/exit-codes.mjs";
import { runCli } from "../../support/run-cli.ts";

const nouns = [...new Set(operations.map((operation) => operation.name.slice(0, operation.name.indexOf("."))))];

describe("the commands", () => {
  test("each have a help with an example", () => {
    expect(everyday.filter((item) => item.examples.length === 0)).toEqual([]);
    for (const command of buildProgram({ env: {}, signal: new AbortController().signal, json: false }).commands) {
      if (command.name() === "help") continue;
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help).toMatch(/Examples?:\n {2}odysseus /);
    }
  });

  test("find the operations where the catalogue has them", () => {
    for (const [name, [method, path]] of Object.entries(routes)) {
      const operation = operations.find((item) => item.name === name);
      expect({ name, ...operation?.http }).toEqual({ name, method, path });
    }
  });

  test("cover the whole catalogue, as noun and verb", async () => {
    for (const noun of nouns) {
      const { code, stdout } = await runCli([noun, "--help"]);
      expect(code).toBe(0);
      for (const operation of operations.filter((item) => item.name.startsWith(`${noun}.`))) {
        expect(stdout).toMatch(new RegExp(`\\n {2}${operation.name.slice(noun.length + 1)}\\b`));
      }
    }
  });

  test("load the catalogue only for a verb", () => {
    expect(phraseOf(["deployments"])).toBeUndefined();
    expect(phraseOf(["deployments", "--json"])).toBeUndefined();
    expect(phraseOf(["containers", "--deployment", "web"])).toBeUndefined();
    expect(phraseOf(["--url", "nodes", "deploy", "web"])).toBeUndefined();
    expect(phraseOf(["--json", "deployments", "get", "web"])).toEqual({ noun: "deployments", verb: "get" });
    expect(phraseOf(["--url", "http://x", "nodes", "--help"])).toEqual({ noun: "nodes", verb: undefined });
    expect(phraseOf(["help", "events"])).toEqual({ noun: "events", verb: undefined });
  });

  test("suggest the verb that was meant, and are documents with --json", async () => {
    expect(await runCli(["deployments", "gte", "web"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean odysseus deployments get?"),
    });
    expect(await runCli(["containers", "web"])).toMatchObject({ code: 2, stderr: expect.stringContaining("odysseus containers --help") });
    const { code, stderr } = await runCli(["sclae", "web", "--json"]);
    expect({ code, document: JSON.parse(stderr) as unknown }).toMatchObject({
      code: 2,
      document: { error: { exit: "usage", hints: ["(Did you mean scale?)"] } },
    });
  });

  test("name an operation for every write of the catalogue, so that none needs the long form", () => {
    const spoken = new Set<string>(Object.keys(routes) satisfies string[] as RouteName[]);
    // A manifest says what a deployment is to be, as a member of a stack; certificates and volumes are seldom touched, and noun and verb say it best.
    const isLongByChoice = (name: string): boolean => name === "deployments.apply" || /^(certificates|volumes)\./.test(name);
    const writes = operations.filter(({ name, effect }) => (effect === "write" || effect === "destructive") && !isLongByChoice(name));
    expect(writes.map((operation) => operation.name).filter((name) => !spoken.has(name))).toEqual([]);
  });
});

describe("exit codes", () => {
  test("each have one meaning, also beside those of npm start", () => {
    const own = Object.values(exitCodes);
    expect(new Set(own).size).toBe(own.length);
    const shared = new Set<number>(Object.values(startCodes));
    expect(own.filter((code) => code >= 40 && shared.has(code))).toEqual([]);
  });

  test("are rows for the README", () => {
    expect(exitCodeRows().split("\n")).toHaveLength(Object.keys(exitCodes).length + 2);
    expect(exitCodeRows()).toContain("| 51 | The rollout failed and was rolled back");
  });
});
