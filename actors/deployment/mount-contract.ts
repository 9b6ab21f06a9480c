import { z } from "zod";
import { AbsolutePath } from "./container-contract.ts";

const MAX_MOUNTS = 100;
const MAX_TEXT_CHARS = 1_000;

/** On the node; a tenant's own are apart from those of others, whatever they are called. */
export const VolumeName = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a volume's name is of letters, digits, hyphens, dots and underscores");

const Options = z.record(z.string().min(1).max(200), z.string().max(MAX_TEXT_CHARS));

/** Data that is kept on the node, also when no container uses it any more. A replica that uses it runs where the data is. */
const NamedVolume = z.strictObject({
  kind: z.literal("volume"),
  name: VolumeName,
  target: AbsolutePath,
  readOnly: z.boolean().optional(),
  /** An empty volume is not filled with what the image has at that place. */
  noCopy: z.boolean().optional(),
  /** A directory in it. */
  subpath: z.string().min(1).max(MAX_TEXT_CHARS).optional(),
  /** Of the engine's driver `local`, when the volume is made: `{type: nfs, ...}`. */
  driverOptions: Options.optional(),
  labels: Options.optional(),
  /** It was there before, under this very name, and is not made. */
  external: z.boolean().optional(),
});

/** Data that goes with the container. */
const AnonymousVolume = z.strictObject({ kind: z.literal("anonymous"), target: AbsolutePath });

/** A directory or file of the node itself, where the node allows it. */
const BindMount = z.strictObject({
  kind: z.literal("bind"),
  source: AbsolutePath,
  target: AbsolutePath,
  readOnly: z.boolean().optional(),
  propagation: z.enum(["private", "rprivate", "slave", "rslave", "shared", "rshared"]).optional(),
  /** Without what is mounted below the source. */
  shallow: z.boolean().optional(),
  /** The source is made where it is missing; otherwise that is an error. */
  createSource: z.boolean().optional(),
});

export const Mount = z.discriminatedUnion("kind", [NamedVolume, AnonymousVolume, BindMount]);
export type Mount = z.infer<typeof Mount>;
export type NamedVolume = z.infer<typeof NamedVolume>;

export const Mounts = z
  .array(Mount)
  .max(MAX_MOUNTS)
  .refine((mounts) => new Set(mounts.map(({ target }) => target)).size === mounts.length, "two mounts have the same target");

/** Volumes whose data decides where a replica runs. What was there before is on whichever nodes its owner says, by constraints. */
export function keptVolumes(mounts: readonly Mount[] | undefined): readonly string[] {
  return [
    ...new Set((mounts ?? []).flatMap((mount) => (mount.kind === "volume" && mount.external !== true ? [mount.name] : []))),
  ].toSorted();
}

/** Whether two replicas could write to the same data at once. */
export function writesToVolume(mounts: readonly Mount[] | undefined): boolean {
  return (mounts ?? []).some((mount) => mount.kind === "volume" && mount.readOnly !== true);
}
