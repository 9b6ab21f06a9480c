import { assert, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { interpolate } from "../../../actors/manifest/interpolate.ts";

const set: Readonly<Record<string, string>> = { SET: "value", EMPTY: "", OTHER: "other" };
const variables = { get: (name: string) => (Object.hasOwn(set, name) ? set[name] : undefined) };
const filled = (text: string) => interpolate(text, variables, 1_000);

describe("a variable in a text", () => {
  test.each([
    ["$SET", "value"],
    ["${SET}", "value"],
    ["a${SET}b$OTHER-c", "avaluebother-c"],
    ["${SET:-d}", "value"],
    ["${NONE:-d}", "d"],
    ["${EMPTY:-d}", "d"],
    ["${EMPTY-d}", ""],
    ["${NONE-d}", "d"],
    ["${NONE:-}", ""],
    ["${SET:+a}", "a"],
    ["${EMPTY:+a}", ""],
    ["${EMPTY+a}", "a"],
    ["${NONE+a}", ""],
    ["${SET:?no}", "value"],
    ["${EMPTY?no}", ""],
    ["${NONE:-${SET}}", "value"],
    ["${NONE:-${ALSO:-$OTHER}/x}", "other/x"],
    ['${NONE:-{"a": 1}}', '{"a": 1}'],
    ["${NONE:-http://h:80/?a=b&c}", "http://h:80/?a=b&c"],
    ["$$SET $${SET} 5$ $(date) $? $1", "$SET ${SET} 5$ $(date) $? $1"],
  ])("%s is %s", (text, expected) => {
    expect(filled(text)).toEqual({ text: expected, problems: [] });
  });

  test.each([
    ["$NONE", [{ kind: "unset", name: "NONE" }]],
    ["${NONE:?ask $OTHER}", [{ kind: "required", name: "NONE", message: "ask other" }]],
    ["${EMPTY:?}", [{ kind: "required", name: "EMPTY", message: "" }]],
    ["${", [{ kind: "malformed", rest: "${" }]],
    ["${}", [{ kind: "malformed", rest: "${}" }]],
    ["${A B}", [{ kind: "malformed", rest: "${A B}" }]],
    ["${SET!x}", [{ kind: "malformed", rest: "${SET!x}" }]],
  ])("%s has a problem that is told", (text, problems) => {
    expect(filled(text).problems).toEqual(problems);
  });

  test("of no use is not asked for: a default is filled in only where it is needed", () => {
    expect(filled("${SET:-${NONE}}${EMPTY:+$NONE}").problems).toEqual([]);
  });

  test("cannot make a text grow without end, or nest without end", () => {
    expect(interpolate("$A".repeat(1_000), { get: () => "x".repeat(1_000) }, 10_000).problems).toEqual([{ kind: "too-long" }]);
    expect(filled("${A:-".repeat(1_000) + "}".repeat(1_000)).problems[0]?.kind).toBe("malformed");
  });

  test("is never the cause of an exception, and a text without dollar signs stays as it is", () => {
    assert(
      property(string(), (text) => {
        expect(filled(text.replaceAll("$", "")).text).toBe(text.replaceAll("$", ""));
        expect(filled(text.replaceAll("$", "$$$$")).text).toBe(text);
        filled(`\${${text}`);
      }),
    );
  });
});
