import { z } from "zod";
import { AbsolutePath } from "./container-contract.ts";
import { folderOf } from "./folder-contract.ts";

/** A larger file is refused: one must fit into a message to an agent, written in base64. */
export const MAX_FILE_BYTES = 512_000;
const MAX_FILES = 100;
const BASE64_CHARS_PER_BYTE = 4 / 3;
const MAX_ID = 2 ** 31 - 1;
export const DEFAULT_FILE_MODE = 0o444;
export const MAX_FILE_NAME_CHARS = 128;
/** Of a file that may be executed. */
export const PROGRAM_MODE = 0o555;

/** Among all of the tenant's configs, or secrets. */
const FileName = z
  .string()
  .max(MAX_FILE_NAME_CHARS)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a name is of letters, digits, hyphens, dots and underscores");

const where = {
  /**
   * A secret's content is shown to nobody but the containers it is for; so is a config's, as it is kept alike. A folder's is all of its files
   * (`folder-contract.ts`): the container sees them at the target and nothing of what its image has there, and can write to none.
   */
  kind: z.enum(["config", "secret", "folder"]),
  name: FileName,
  target: AbsolutePath,
  /** Whose file it is in the container. Absent: root's. */
  uid: z.int().min(0).max(MAX_ID).optional(),
  gid: z.int().min(0).max(MAX_ID).optional(),
  /** Absent: 0444. Nobody can write to it. Files of a folder have 0444, and 0555 where they are programs. */
  mode: z.int().min(0).max(0o777).optional(),
};

const FOLDER_MODE = "the files of a folder have modes of their own: leave mode out";
function leavesFolderModes({ kind, mode }: { readonly kind: string; readonly mode?: number | undefined }): boolean {
  return kind !== "folder" || mode === undefined;
}

/** Says which content it is, and nothing about it. */
const Version = z.string().regex(/^[0-9a-f]{32}$/, "a version is 32 hexadecimal digits");

/** Which content is meant. */
export const SealedContent = z.strictObject({ kind: where.kind, name: where.name, version: Version });

/** What a revision holds of a file: its content is sealed away from the journal, and reaches the container from memory. */
export const SealedFile = z.strictObject({ ...where, version: Version }).refine(leavesFolderModes, FOLDER_MODE);
export type SealedFile = z.infer<typeof SealedFile>;

/** As it is asked for: with its content, by a version, or as it was given last. */
export const GivenFile = z
  .strictObject({
    ...where,
    version: Version.optional(),
    /** In base64. It is sealed before anything else is done with it. */
    value: z
      .base64()
      .max(Math.ceil(MAX_FILE_BYTES * BASE64_CHARS_PER_BYTE) + 4)
      .optional(),
  })
  .refine(leavesFolderModes, FOLDER_MODE)
  .refine(
    ({ kind, value }) => kind !== "folder" || value === undefined || folderOf(Buffer.from(value, "base64")) !== undefined,
    "the content of a folder is the base64 of {files: [{path, value, isProgram}]}",
  );
export type GivenFile = z.infer<typeof GivenFile>;

const differ = (files: readonly { readonly target: string }[]): boolean => new Set(files.map(({ target }) => target)).size === files.length;
const SAME_TARGET = "two files have the same target";
export const SealedFiles = z.array(SealedFile).max(MAX_FILES).refine(differ, SAME_TARGET);
export const GivenFiles = z.array(GivenFile).max(MAX_FILES).refine(differ, SAME_TARGET);

/** Under which the content is sealed. */
export function sealedName({ kind, name }: Pick<SealedFile, "kind" | "name">): string {
  return `${kind}/${name}`;
}
