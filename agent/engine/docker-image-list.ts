import { z } from "zod";
import type { NodeImage } from "../../actors/node/images-contract.ts";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineImages } from "./port.ts";

const LIST_DEADLINE_MS = 30_000;

const ListedImage = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
  Size: z.number(),
  /** Seconds since the epoch; images built without a clock have none. */
  Created: z.number(),
});

/** The first up to API 1.51, the second since. */
const DiskUsage = z.object({ LayersSize: z.number().optional(), ImageUsage: z.object({ TotalSize: z.number().optional() }).optional() });

/** All images of the engine, and what their layers take together where it says so. */
export async function listImages(connection: DockerConnection): Promise<EngineImages> {
  const call = { method: "GET", doing: "listing images", deadlineMs: LIST_DEADLINE_MS } as const;
  const [listed, diskBytes] = await Promise.all([
    connection.ask({ ...call, path: "/images/json" }, z.array(ListedImage)),
    connection.ask({ ...call, path: "/system/df", query: { type: "image" } }, DiskUsage).then(
      ({ LayersSize, ImageUsage }) => LayersSize ?? ImageUsage?.TotalSize,
      () => undefined,
    ),
  ]);
  return { images: listed.map(imageOf), diskBytes };
}

function imageOf({ Id, RepoTags, RepoDigests, Size, Created }: z.infer<typeof ListedImage>): NodeImage {
  return {
    id: Id,
    // Engines before API 1.43 call what has no name `<none>`.
    references: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((reference) => !reference.startsWith("<none>")),
    sizeBytes: Size,
    ...(Created > 0 && { builtAtMs: Created * 1_000 }),
  };
}
