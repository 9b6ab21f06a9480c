import { request } from "node:http";

/** An engine that takes longer than this to answer counts as not answering. */
const PING_TIMEOUT_MS = 2_000;

/** Sends one request to an engine's socket; gives status and body. */
export function engineRequest(
  socketPath: string,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: { readonly type: string; readonly content: Buffer },
  timeoutMs = 60_000,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = body === undefined ? {} : { "content-type": body.type, "content-length": body.content.length };
  const sent = request({ socketPath, method, path, headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => (text += chunk));
    response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    response.on("error", reject);
  });
  sent.on("error", reject);
  sent.end(body?.content);
  return promise;
}

export async function ping(socketPath: string): Promise<boolean> {
  return engineRequest(socketPath, "GET", "/_ping", undefined, PING_TIMEOUT_MS).then(
    ({ status }) => status === 200,
    () => false,
  );
}
