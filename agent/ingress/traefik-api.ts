import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import type { IngressTable } from "../../actors/ingress/contract.ts";
import { entryPort, type Half, OWN_OFFSET } from "./entry-points.ts";
import { type ProcessCounts, readCounts } from "./pool-counts.ts";
import { MARKER_ROUTER, markerIn } from "./proof-routes.ts";

const ANSWER_TIMEOUT_MS = 2_000;
const OK = 200;
const NOT_FOUND = 404;

/** `refused`: no process listens, so none serves anything. `silent`: one may be there and does not answer. `nothing`: it has no routes of ours yet. */
export type Shown = { readonly kind: "routes"; readonly marker: string } | { readonly kind: "nothing" | "refused" | "silent" };

const MarkerRouter = z.object({ rule: z.string() });
const Version = z.object({ Version: z.string(), startDate: z.string() });

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The API of one half's proxy, on loopback alone. Nothing of it rejects. */
export class TraefikApi {
  readonly #port: number;

  constructor(half: Half) {
    this.#port = entryPort(half, OWN_OFFSET);
  }

  /** The configuration that its own entry point serves. */
  async shown(): Promise<Shown> {
    const answer = await this.#get(`/api/http/routers/${MARKER_ROUTER}@file`);
    if (typeof answer === "string") return { kind: answer };
    if (answer.status === NOT_FOUND) return { kind: "nothing" };
    const rule = read(MarkerRouter, answer)?.rule;
    const marker = rule === undefined ? undefined : markerIn(rule);
    return marker === undefined ? { kind: "silent" } : { kind: "routes", marker };
  }

  /** Undefined: nobody answers. */
  async version(): Promise<{ readonly version: string; readonly sinceMs: number } | undefined> {
    const answer = await this.#get("/api/version");
    const found = typeof answer === "string" ? undefined : read(Version, answer);
    return found === undefined ? undefined : { version: found.Version, sinceMs: Date.parse(found.startDate) };
  }

  /** Undefined: nobody answers, or not to the end. */
  async counts(table: IngressTable): Promise<ProcessCounts | undefined> {
    const response = await this.#open("/metrics");
    if (typeof response === "string") return undefined;
    try {
      return await readCounts(response.setEncoding("utf8"), table);
    } catch {
      return undefined;
    }
  }

  async #get(path: string): Promise<Answer | "refused" | "silent"> {
    const response = await this.#open(path);
    if (typeof response === "string") return response;
    try {
      return { status: response.statusCode ?? 0, body: await text(response) };
    } catch {
      return "silent";
    }
  }

  #open(path: string): Promise<IncomingMessage | "refused" | "silent"> {
    return new Promise((resolve) => {
      // A connection of its own: a kept one may belong to a process that is gone.
      const call = request({ host: "127.0.0.1", port: this.#port, path, agent: false, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED" ? "refused" : "silent"));
      call.on("response", resolve);
      call.end();
    });
  }
}

/** Undefined: it is another answer than the proxy gives, as of another program on this port. */
function read<Schema extends z.ZodType>(schema: Schema, { status, body }: Answer): z.infer<Schema> | undefined {
  if (status !== OK) return undefined;
  try {
    return schema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
