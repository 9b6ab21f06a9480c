import { z } from "zod";

/** A Compose file, as text. */
export const ManifestView = z.object({ manifest: z.string() });
