import { ask } from "../routes.ts";
import { type Action, naming } from "../session.ts";
import { absent } from "../wait.ts";

interface Exported {
  readonly manifest: string;
}

/** A Compose file of a stack, or of a deployment that stands alone. */
export const exportManifest: Action = async (session, [name = ""]) => {
  const stack = await ask<Exported>(session.api(), "stacks.export", { name }).catch(absent);
  const exported =
    stack ?? (await naming(session, "deployments", name, () => ask<Exported>(session.api(), "deployments.export", { name })));
  if (session.out.json) session.out.document(exported);
  else session.out.line(exported.manifest.trimEnd());
};
