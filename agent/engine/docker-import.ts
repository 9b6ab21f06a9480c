import { z } from "zod";
import type { DockerConnection } from "./docker-connection.ts";
import { translateDockerText } from "./docker-errors.ts";
import { engineFailures } from "./failures.ts";

/** 185 MB take 1 s where the disk is quick. */
const IMPORT_DEADLINE_MS = 300_000;

const Line = z.object({ error: z.string().optional() });

/** Makes an image of one layer out of an archive, under a name of ours; one that has the name already loses it. */
export async function importImage(
  connection: DockerConnection,
  name: { readonly repository: string; readonly tag: string },
  archive: AsyncIterable<Buffer>,
): Promise<void> {
  const reference = `${name.repository}:${name.tag}`;
  const doing = `making the image ${reference}`;
  const query = { fromSrc: "-", repo: name.repository, tag: name.tag };
  const answer = await connection.stream({
    method: "POST",
    path: "/images/create",
    query,
    archive,
    doing,
    reference,
    deadlineMs: IMPORT_DEADLINE_MS,
  });
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) text += String(chunk);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  for (const line of lines) {
    const { error } = Line.parse(JSON.parse(line));
    if (error !== undefined) throw translateDockerText(error, { doing, reference, socketPath: connection.socketPath });
  }
  if (lines.length === 0) throw engineFailures.engineUnavailable(`${doing} ended before the image was there`);
}
