import { expect, test } from "vitest";
import type { Finding } from "../../../actors/manifest/finding.ts";
import { errorLines, warningLines } from "../../../ops/cli/finding-lines.ts";

const finding = (line: number, more: Partial<Finding> = {}): Finding => ({
  severity: "warning",
  code: "differs",
  file: "compose.yaml",
  path: `services.s${line}.container_name`,
  line,
  column: 5,
  message: "A container is named after its replica.",
  instead: "use the service's name.",
  ...more,
});

test("a warning that is the same in several places is said once, with all of them", () => {
  expect(warningLines([finding(4), finding(6, { message: "Another one." }), finding(9), finding(12)])).toEqual([
    "compose.yaml:4:5 warning services.s4.container_name: A container is named after its replica. Instead: use the service's name. (also in lines 9, 12)",
    "compose.yaml:6:5 warning services.s6.container_name: Another one. Instead: use the service's name.",
  ]);
});

test("variables that are not set are listed in one line", () => {
  const unset = (variable: string, line: number): Finding =>
    finding(line, {
      code: "unset-variable",
      variable,
      message: `${variable} is not set and is left empty.`,
      instead: `set ${variable} in .env or in the shell, or write \${${variable}:-default}.`,
    });
  expect(warningLines([unset("A", 4), unset("B", 9)])).toEqual([
    "compose.yaml:4:5 warning Each of these variables is not set and is left empty. They are A (line 4), B (line 9). Instead: set NAME in .env or in the shell, or write ${NAME:-default}.",
  ]);
  expect(warningLines([unset("A", 4)])).toEqual([expect.stringMatching(/warning services\.s4\.container_name: A is not set/)]);
});

test("places beyond the tenth are counted", () => {
  expect(warningLines(Array.from({ length: 20 }, (_, line) => finding(line + 1)))).toEqual([
    expect.stringMatching(/\(also in lines 2, 3, .*, 11 and 9 more\)$/),
  ]);
});

test("each error is said in its own place, since each is to be mended", () => {
  expect(errorLines([finding(4, { severity: "error" }), finding(9, { severity: "error" }), finding(10)])).toHaveLength(2);
});
