import { expect, test } from "vitest";
import { parseSample } from "../../../agent/ingress/exposition.ts";

test("a line is a name, labels and a value", () => {
  expect(parseSample('requests_total{code="200",method="GET"} 12')).toEqual({
    name: "requests_total",
    labels: { code: "200", method: "GET" },
    value: 12,
  });
  expect(parseSample("process_start_time_seconds 1.7955763051e+09")).toEqual({
    name: "process_start_time_seconds",
    labels: {},
    value: 1_795_576_305.1,
  });
});

test("what is in a label's value is taken as it is meant", () => {
  const line = String.raw`m{path="a\"b}, c=\"d\\",text="one\ntwo",le="+Inf",} 1 1395066363000`;
  expect(parseSample(line)?.labels).toEqual({ path: 'a"b}, c="d\\', text: "one\ntwo", le: "+Inf" });
});

test("values may be infinite, or no number", () => {
  expect(["+Inf", "Inf", "-Inf", "NaN", "-0.5", "1e3"].map((value) => parseSample(`m ${value}`)?.value)).toEqual([
    Infinity,
    Infinity,
    -Infinity,
    NaN,
    -0.5,
    1_000,
  ]);
});

test("comments, empty lines and what makes no sense are no samples", () => {
  const lines = ["", "# HELP m Something", "# TYPE m counter", "m", 'm{a="b" 1', "m{a=b} 1", "m one", "0m 1", 'm{a="b"}'];
  for (const line of lines) expect([line, parseSample(line)]).toEqual([line, undefined]);
});
