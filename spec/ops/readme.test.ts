import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { everyday } from "../../ops/cli/everyday.ts";
import { exitCodeRows } from "../../ops/cli/exit-codes.ts";
import { HELP } from "../../ops/control-plane/options.ts";
import { runCli } from "../support/run-cli.ts";
import { exitCodes as startCodes } from "../../ops/start/exit-codes.mjs";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Indented lines, without the comments behind them. */
const blocks = readme
  .split("\n")
  .filter((line) => line.startsWith("    "))
  .map((line) => line.replace(/\s+#.*$/, "").trim());

/** The lines from a paragraph that begins so to the end of the table behind it. */
function tableAfter(beginning: string): readonly string[] {
  const from = readme.indexOf(beginning);
  expect(from, `the README says "${beginning}"`).toBeGreaterThan(-1);
  const lines = readme.slice(from).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  return lines.slice(start, start + length);
}

/** `restart|stop|start|delete web` and `deployments | containers` are several commands, with the words behind the last. */
function commandsOf(line: string): readonly { readonly name: string; readonly words: readonly string[] }[] {
  return line
    .slice("npx odysseus ".length)
    .split(" | ")
    .flatMap((part) => {
      const [names = "", ...words] = part.split(/\s+/);
      return names.split("|").map((name) => ({ name, words }));
    });
}

const commands = blocks.filter((line) => line.startsWith("npx odysseus ")).flatMap(commandsOf);

describe("the README", () => {
  test("lists the exit codes of npm start, all of them and no other", () => {
    const listed = tableAfter("Of `npm start`:")
      .slice(2)
      .flatMap((row) => (row.split("|")[1] ?? "").split(",").map(Number));
    expect(listed.toSorted((a, b) => a - b)).toEqual(Object.values(startCodes).toSorted((a, b) => a - b));
  });

  test("lists the exit codes of the command line as the command line means them", () => {
    expect(tableAfter("Of `npx odysseus`:").join("\n")).toBe(exitCodeRows());
  });

  test("lists the options of npm start as its help does", () => {
    const listed = tableAfter("| option | meaning |").flatMap((row) => row.match(/^\| `(--[a-z-]+)/)?.[1] ?? []);
    const known = [...HELP.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]);
    expect([...listed, "--help"]).toEqual(known);
  });

  test("shows commands there are", () => {
    expect(commands.length).toBeGreaterThan(20);
    expect(commands.map(({ name }) => name).filter((name) => !everyday.some((item) => item.name === name))).toEqual([]);
    const scripts = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+)(?= --|`|$)/gm)].map((match) => match[1] ?? "");
    expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  test.each(commands.filter(({ words }) => words.some((word) => word.startsWith("-"))))(
    "shows options there are: $name $words",
    async ({ name, words }) => {
      const [verb = ""] = words;
      const { stdout } = await runCli([name, ...(verb.startsWith("-") ? [] : [verb]), "--help"]);
      const known = new Set(stdout.match(/(?<![\w-])--?[a-z][a-z-]*/g));
      expect(words.filter((word) => word.startsWith("-") && !known.has(word))).toEqual([]);
    },
  );
});
