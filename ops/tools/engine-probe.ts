import { request } from "node:http";

/** An engine that has not answered by then is counted as silent. */
const ANSWER_TIMEOUT_MS = 5_000;
/** A version document is about 1 KB; whoever sends more is no engine. */
const LONGEST_ANSWER_BYTES = 65_536;

/** What answers at a socket that should be a Docker engine's. `silent`: connected, but no answer in time. */
export type EngineProbe =
  | { readonly kind: "engine"; readonly version: string }
  | { readonly kind: "absent" }
  | { readonly kind: "stopped" }
  | { readonly kind: "denied" }
  | { readonly kind: "silent" }
  | { readonly kind: "nonsense"; readonly detail: string };

/** Asks `/_ping` and `/version`, each with a deadline. */
export async function probeEngine(socketPath: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<EngineProbe> {
  try {
    const ping = await get(socketPath, "/_ping", timeoutMs);
    if (ping.status !== 200 || ping.body.trim() !== "OK") return { kind: "nonsense", detail: `/_ping: ${ping.status} ${shown(ping.body)}` };
    const version = await get(socketPath, "/version", timeoutMs);
    return version.status === 200 ? readVersion(version.body) : { kind: "nonsense", detail: `/version: ${version.status}` };
  } catch (error) {
    return classify(error);
  }
}

function readVersion(body: string): EngineProbe {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return { kind: "nonsense", detail: `/version: ${shown(body)}` };
  }
  const { Version: version, Components: components } = (document ?? {}) as { readonly Version?: unknown; readonly Components?: unknown };
  if (typeof version !== "string" || !/^\d+\.\d+/.test(version)) return { kind: "nonsense", detail: `/version: ${shown(body)}` };
  // Podman answers this API under its own version numbers.
  if (JSON.stringify(components ?? "").includes("Podman"))
    return { kind: "nonsense", detail: `it is Podman ${version}, not a Docker Engine` };
  return { kind: "engine", version };
}

function classify(error: unknown): EngineProbe {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "absent" };
    case "ECONNREFUSED":
      return { kind: "stopped" };
    case "EACCES":
    case "EPERM":
      return { kind: "denied" };
    case "ETIMEDOUT":
      return { kind: "silent" };
    default:
      return { kind: "nonsense", detail: message };
  }
}

function get(socketPath: string, path: string, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, headers: { host: "docker" }, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
        if (body.length > LONGEST_ANSWER_BYTES) call.destroy(new Error("the answer does not end"));
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("error", (error) => reject(error.name === "AbortError" || error.name === "TimeoutError" ? lateError(timeoutMs, error) : error));
    call.end();
  });
}

function lateError(timeoutMs: number, cause: unknown): Error {
  return Object.assign(new Error(`no answer in ${timeoutMs} ms`, { cause }), { code: "ETIMEDOUT" });
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
