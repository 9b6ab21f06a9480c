import { z } from "zod";

/** Images a node tells of, the largest; further ones are only counted. */
export const MAX_TOLD_IMAGES = 500;
/** How often an agent asks its engine at least; what changes in between is told by the engine's events. */
export const IMAGES_LOOK_INTERVAL_MS = 30_000;
/** An older look says nothing of now: three more have failed since. */
export const IMAGES_OLD_AFTER_MS = 100_000;

/** One image of an engine. */
export const NodeImage = z.strictObject({
  /** Its names with tags, then with digests, as engines shorten them: `nginx:1.27`, `nginx@sha256:...`. Empty: it has lost all its names. */
  references: z.array(z.string()),
  /** As the engine numbers it. */
  id: z.string(),
  /** With the layers that it shares with others. */
  sizeBytes: z.number().min(0),
  builtAtMs: z.number().optional(),
});
export type NodeImage = z.infer<typeof NodeImage>;

/** What images a node has. Soft: never journalled, and the newest counts. At its largest still one message of the bus. */
export const NodeImages = z.strictObject({
  /** The largest first. */
  images: z.array(NodeImage).max(MAX_TOLD_IMAGES),
  /** Further images, which are not told. */
  leftOut: z.int().min(0),
  /** What all of them take, each shared layer counted once. Absent: the engine does not say. */
  diskBytes: z.number().min(0).optional(),
});
export type NodeImages = z.infer<typeof NodeImages>;

/** Which state of the images is meant, and how long ago the engine said that it is so. */
export const ImagesSeen = z.strictObject({ version: z.string().max(64), ageMs: z.number().min(0) });
export type ImagesSeen = z.infer<typeof ImagesSeen>;
