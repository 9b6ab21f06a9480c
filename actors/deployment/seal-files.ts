import { refusalOfFailure } from "../../runtime/errors.ts";
import { defineRefusals, isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { type GivenFile, type SealedFile, sealedName } from "./file-contract.ts";

export const fileRefusals = defineRefusals({
  "file.unknown": {
    httpStatus: 422,
    retryable: false,
    message: ({ kind, name, version }: { kind: string; name: string; version: string | undefined }) =>
      `There is no ${kind} "${name}"${version === undefined ? "" : ` of version ${version}`}. Give its content along, or store it first.`,
  },
});
export const fileErrors = ["file.unknown"] as const;

/** keep: contents are stored, and what refers to them can be journalled. look: only what their versions would be. */
export type Sealing = "keep" | "look";

/** Takes contents out of what was asked for and puts their versions in their place. */
export async function sealFiles(
  files: readonly GivenFile[] | undefined,
  context: OperationContext,
  sealing: Sealing,
): Promise<{ readonly files?: readonly SealedFile[] } | Refusal> {
  if (files === undefined) return {};
  const sealed: SealedFile[] = [];
  for (const { value, version: wanted, ...file } of files) {
    const version = await versionOf({ ...file, value, version: wanted }, context, sealing);
    if (isRefusal(version)) return version;
    sealed.push({ ...file, version });
  }
  return { files: sealed };
}

async function versionOf(file: GivenFile, { sealed, tenant }: OperationContext, sealing: Sealing): Promise<string | Refusal> {
  const name = sealedName(file);
  if (file.value !== undefined) {
    const bytes = Buffer.from(file.value, "base64");
    if (sealing === "look") return sealed.versionOf(name, bytes);
    const result = await sealed.seal(name, bytes);
    return result.kind === "sealed" ? result.version : refusalOfFailure(tenant, result);
  }
  const version = file.version ?? (await sealed.newest(name));
  const isThere = version !== undefined && (await sealed.open(name, version)) !== undefined;
  return isThere ? version : fileRefusals["file.unknown"]({ kind: file.kind, name: file.name, version: file.version });
}
