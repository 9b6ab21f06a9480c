import type { Finding } from "../../actors/manifest/finding.ts";
import { plain } from "./output.ts";

/** Further places of one warning are counted, not listed. */
const MAX_LISTED_LINES = 10;

/** What stands for the variable where one line is about several. */
const ANY_VARIABLE = "NAME";

/** A warning that is the same in several places of a file, or for several variables, is said once. */
export function warningLines(findings: readonly Finding[]): readonly string[] {
  const warnings = findings.filter(({ severity }) => severity === "warning");
  const groups = Map.groupBy(warnings, (warning) => JSON.stringify([warning.file, withoutName(warning)]));
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    if (first.variable === undefined || others.length === 0) return [`${findingText(first)}${alsoIn(others)}`];
    const names = [first, ...others].map(({ variable, line }) => `${variable} (line ${line})`);
    const { message, instead } = withoutName(first);
    return [findingText({ ...first, path: "", message: `${message} They are ${names.join(", ")}.`, ...(instead && { instead }) })];
  });
}

function withoutName({ message, instead, variable }: Finding): Pick<Finding, "message" | "instead"> {
  if (variable === undefined) return { message, ...(instead !== undefined && { instead }) };
  const general = (text: string): string => text.replaceAll(variable, ANY_VARIABLE);
  return {
    message: general(message).replace(ANY_VARIABLE, "Each of these variables"),
    ...(instead !== undefined && { instead: general(instead) }),
  };
}

/** Each in its place, since each is to be mended. */
export function errorLines(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ severity }) => severity === "error").map(findingText);
}

function alsoIn(others: readonly Finding[]): string {
  const lines = [...new Set(others.map(({ line }) => line))];
  if (lines.length === 0) return "";
  const more = lines.length - MAX_LISTED_LINES;
  return ` (also in ${lines.length === 1 ? "line" : "lines"} ${lines.slice(0, MAX_LISTED_LINES).join(", ")}${more > 0 ? ` and ${more} more` : ""})`;
}

/** `compose.yaml:4:7 error services.web.privileged: ...`: editors jump to it. */
function findingText({ file, severity, line, column, path, message, instead }: Finding): string {
  const at = path === "" ? "" : ` ${plain(path)}:`;
  return `${plain(file)}:${line}:${column} ${severity}${at} ${plain(message)}${instead === undefined ? "" : ` Instead: ${plain(instead)}`}`;
}
