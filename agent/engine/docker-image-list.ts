import { z } from "zod";
import type { NodeImage } from "../../actors/node/images-contract.ts";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineImages } from "./port.ts";

const LIST_DEADLINE_MS = 30_000;
const CALL = { method: "GET", doing: "listing images", deadlineMs: LIST_DEADLINE_MS } as const;

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
export class DockerImageList {
  readonly #connection: DockerConnection;
  #measured: { readonly ids: string; readonly diskBytes: number } | undefined;

  constructor(connection: DockerConnection) {
    this.#connection = connection;
  }

  async read(): Promise<EngineImages> {
    const listed = await this.#connection.ask({ ...CALL, path: "/images/json" }, z.array(ListedImage));
    return {
      images: listed.map(imageOf),
      diskBytes: await this.#diskBytes(
        listed
          .map(({ Id }) => Id)
          .toSorted()
          .join(),
      ),
    };
  }

  /** Engines go through every layer to say it: they are asked only when other images are there than the last time. */
  async #diskBytes(ids: string): Promise<number | undefined> {
    if (this.#measured?.ids === ids) return this.#measured.diskBytes;
    const usage = this.#connection.ask({ ...CALL, path: "/system/df", query: { type: "image" } }, DiskUsage);
    const diskBytes = await usage.then(
      ({ LayersSize, ImageUsage }) => LayersSize ?? ImageUsage?.TotalSize,
      () => undefined,
    );
    this.#measured = diskBytes === undefined ? undefined : { ids, diskBytes };
    return diskBytes;
  }
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
