import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { PinnedImage } from "../../actors/deployment/contract.ts";
import type { DockerConnection } from "./docker-connection.ts";
import { engineFailures } from "./failures.ts";
import { engineName, inspectImage } from "./docker-images.ts";
import { answersNonsense, translateDockerError, translateDockerText } from "./docker-errors.ts";

/** The registry's first answer; a name that cannot be resolved alone takes 20 s. */
const BEGIN_DEADLINE_MS = 60_000;
/** A pull that says nothing for so long has failed: engines report every 100 ms while bytes arrive, and while they unpack. */
const SILENCE_DEADLINE_MS = 120_000;
const PROGRESS_EVERY_MS = 100;
/** A line of progress is a few hundred characters; one that never ends is not of an engine. */
const MAX_LINE_LENGTH = 1_048_576;

const PullLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
});
type PullLine = z.infer<typeof PullLine>;

/** Resolves once the image is there; `done` and `total` count the bytes of the layers announced so far. */
export async function pullImage(
  connection: DockerConnection,
  image: PinnedImage,
  progress: (doneBytes: number, totalBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { reference } = image;
  if (image.source === "node") throw engineFailures.imageNotHere(reference);
  const doing = `pulling ${reference}`;
  const context = { doing, reference, socketPath: connection.socketPath };
  const call = {
    method: "POST",
    path: "/images/create",
    query: { fromImage: engineName(image) },
    doing,
    reference,
    deadlineMs: BEGIN_DEADLINE_MS,
    signal,
  } as const;
  const body = await connection.stream(call);
  const report = throttled(connection, progress);
  try {
    for await (const line of lines(connection, body, doing, reference)) {
      if (line.error !== undefined) throw translateDockerText(line.error, context);
      report(line);
    }
  } catch (error) {
    if (signal.aborted) throw engineFailures.engineError(doing, "it was called off", error);
    throw translateDockerError(error, context);
  } finally {
    body.destroy();
  }
  // An engine that is shut down ends the stream in good order.
  if ((await inspectImage(connection, engineName(image), reference)) === undefined) {
    throw engineFailures.engineUnavailable(`${doing} ended before the image was there`);
  }
}

function throttled(connection: DockerConnection, progress: (doneBytes: number, totalBytes: number) => void): (line: PullLine) => void {
  const layers = new Map<string, { done: number; total: number }>();
  let reportedAtMs = -Infinity;
  return ({ id, status, progressDetail }) => {
    if (id === undefined) return;
    const { current, total } = progressDetail ?? {};
    if (status === "Downloading" && total !== undefined && total > 0) layers.set(id, { done: current ?? 0, total });
    const layer = layers.get(id);
    if (layer !== undefined && (status === "Download complete" || status === "Pull complete")) layer.done = layer.total;
    const nowMs = connection.clock.monotonicMs();
    if (layer === undefined || (nowMs - reportedAtMs < PROGRESS_EVERY_MS && status === "Downloading")) return;
    reportedAtMs = nowMs;
    const all = [...layers.values()];
    progress(
      all.reduce((sum, item) => sum + item.done, 0),
      all.reduce((sum, item) => sum + item.total, 0),
    );
  };
}

async function* lines(connection: DockerConnection, body: IncomingMessage, doing: string, reference: string): AsyncGenerator<PullLine> {
  const silence = () =>
    body.destroy(engineFailures.registryUnavailable(reference, `nothing was received for ${SILENCE_DEADLINE_MS / 1_000} s`));
  let timer = connection.clock.after(SILENCE_DEADLINE_MS, silence);
  let rest = "";
  try {
    for await (const chunk of body.setEncoding("utf8")) {
      timer.cancel();
      timer = connection.clock.after(SILENCE_DEADLINE_MS, silence);
      rest += String(chunk);
      const complete = rest.split("\n");
      rest = complete.pop() ?? "";
      if (rest.length > MAX_LINE_LENGTH) throw answersNonsense(doing, rest, undefined);
      for (const text of complete) if (text.trim() !== "") yield parse(text, doing);
    }
    if (rest.trim() !== "") yield parse(rest, doing);
  } finally {
    timer.cancel();
  }
}

function parse(text: string, doing: string): PullLine {
  try {
    return PullLine.parse(JSON.parse(text));
  } catch (error) {
    throw answersNonsense(doing, text, error);
  }
}
