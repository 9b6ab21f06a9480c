import { request as httpsRequest } from "node:https";
import { getCACertificates } from "node:tls";
import { AcmeFailure } from "../../actors/certificate/ports.ts";

/** Of one request, answer included. */
const REQUEST_TIMEOUT_MS = 20_000;
/** A longer answer is not one of an authority. */
const MAX_ANSWER_BYTES = 1_048_576;

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface HttpsQuestion {
  readonly url: string;
  readonly method: "GET" | "HEAD" | "POST";
  readonly body?: string;
  /** PEM, beside the roots of the system. */
  readonly trustedRoots: string | undefined;
  readonly signal: AbortSignal;
}

/** One HTTPS request with its bounds. Redirects are not followed: an authority's addresses are told by its directory. Rejects with `AcmeFailure`. */
export function askHttps({ url, method, body, trustedRoots, signal }: HttpsQuestion): Promise<HttpsAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(signal.aborted ? (signal.reason as Error) : unreachable(url, cause));
    const headers = {
      "user-agent": "odysseus",
      ...(body === undefined ? {} : { "content-type": "application/jose+json", "content-length": Buffer.byteLength(body) }),
    };
    const roots = trustedRoots === undefined ? {} : { ca: [...getCACertificates("default"), trustedRoots] };
    const request = httpsRequest(url, { method, headers, signal: limit, agent: false, ...roots }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error(`it answered with more than ${MAX_ANSWER_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: single(response.headers), body: Buffer.concat(chunks).toString() }),
      );
    });
    request.on("error", fail);
    request.end(body);
  });
}

function single(headers: NodeJS.Dict<string | string[]>): HttpsAnswer["headers"] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}

function unreachable(url: string, cause: unknown): AcmeFailure {
  const where = new URL(url).host;
  return new AcmeFailure("unreachable", `the authority at ${where} cannot be asked: ${wordsOf(cause)}`, { cause });
}

function wordsOf(cause: unknown): string {
  const { code, name, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its name cannot be resolved";
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return "its own certificate is not valid at this time; is the clock of this machine right?";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "its own certificate is not trusted; give its roots with certificates configure --trusted-roots";
    default:
      return name === "TimeoutError" || name === "AbortError" ? `no answer within ${REQUEST_TIMEOUT_MS / 1_000} s` : message;
  }
}
