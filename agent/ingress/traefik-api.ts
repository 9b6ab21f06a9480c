import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import type { IngressTable } from "../../actors/ingress/contract.ts";
import { API_OFFSET, entryPort, type Half } from "./entry-points.ts";
import { type ProcessCounts, readCounts } from "./pool-counts.ts";

const ANSWER_TIMEOUT_MS = 2_000;
const OK = 200;
const NOT_FOUND = 404;

/** `refused`: no process listens, so none serves anything. `silent`: one may be there and does not answer. */
export type MarkerAnswer = "in-force" | "not-yet" | "refused" | "silent";

const Version = z.object({ Version: z.string(), startDate: z.string() });

/** The API of one half's proxy, on loopback alone. */
export class TraefikApi {
  readonly #port: number;

  constructor(half: Half) {
    this.#port = entryPort(half, API_OFFSET);
  }

  /** Whether the configuration with this marker is the one that requests meet. */
  async marker(name: string): Promise<MarkerAnswer> {
    const answer = await this.#get(`/api/http/routers/${encodeURIComponent(name)}@file`);
    if (typeof answer === "string") return answer;
    return answer.status === OK ? "in-force" : answer.status === NOT_FOUND ? "not-yet" : "silent";
  }

  /** Undefined: nobody answers. */
  async version(): Promise<{ readonly version: string; readonly sinceMs: number } | undefined> {
    const answer = await this.#get("/api/version");
    if (typeof answer === "string" || answer.status !== OK) return undefined;
    const parsed = Version.safeParse(JSON.parse(answer.body));
    return parsed.success ? { version: parsed.data.Version, sinceMs: Date.parse(parsed.data.startDate) } : undefined;
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

  async #get(path: string): Promise<{ readonly status: number; readonly body: string } | "refused" | "silent"> {
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
