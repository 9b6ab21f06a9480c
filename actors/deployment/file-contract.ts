import { z } from "zod";
import { AbsolutePath } from "./container-contract.ts";

/** A larger file is refused: one must fit into a message to an agent, written in base64. */
export const MAX_FILE_BYTES = 512_000;
const MAX_FILES = 100;
const BASE64_CHARS_PER_BYTE = 4 / 3;
const MAX_ID = 2 ** 31 - 1;
export const DEFAULT_FILE_MODE = 0o444;

/** Among all of the tenant's configs, or secrets. */
const FileName = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a name is of letters, digits, hyphens, dots and underscores");

const where = {
  /** A secret's content is shown to nobody but the containers it is for; so is a config's, as it is kept alike. */
  kind: z.enum(["config", "secret"]),
  name: FileName,
  target: AbsolutePath,
  /** Whose file it is in the container. Absent: root's. */
  uid: z.int().min(0).max(MAX_ID).optional(),
  gid: z.int().min(0).max(MAX_ID).optional(),
  /** Absent: 0444. Nobody can write to it. */
  mode: z.int().min(0).max(0o777).optional(),
};

/** Says which content it is, and nothing about it. */
const Version = z.string().regex(/^[0-9a-f]{32}$/, "a version is 32 hexadecimal digits");

/** What a revision holds of a file: its content is sealed away from the journal, and reaches the container from memory. */
export const SealedFile = z.strictObject({ ...where, version: Version });
export type SealedFile = z.infer<typeof SealedFile>;

/** As it is asked for: with its content, by a version, or as it was given last. */
export const GivenFile = z.strictObject({
  ...where,
  version: Version.optional(),
  /** In base64. It is sealed before anything else is done with it. */
  value: z
    .base64()
    .max(Math.ceil(MAX_FILE_BYTES * BASE64_CHARS_PER_BYTE) + 4)
    .optional(),
});
export type GivenFile = z.infer<typeof GivenFile>;

const differ = (files: readonly { readonly target: string }[]): boolean => new Set(files.map(({ target }) => target)).size === files.length;
const SAME_TARGET = "two files have the same target";
export const SealedFiles = z.array(SealedFile).max(MAX_FILES).refine(differ, SAME_TARGET);
export const GivenFiles = z.array(GivenFile).max(MAX_FILES).refine(differ, SAME_TARGET);

/** Under which the content is sealed. */
export function sealedName({ kind, name }: Pick<SealedFile, "kind" | "name">): string {
  return `${kind}/${name}`;
}
