import { z } from "zod";
import {
  AcmeFailure,
  type AcmeAccountSession,
  type AcmeAuthority,
  type AcmeAuthorization,
  type AcmeOrder,
  type AcmeSession,
} from "../../actors/certificate/ports.ts";
import type { Clock } from "../../runtime/clock.ts";
import { askHttps, type HttpsAnswer } from "./https-request.ts";
import { keyAuthorizationOf, signedBody } from "./jws.ts";
import { detailOf, failureOf, parsedJson, Problem } from "./problem.ts";

/** An authority may move its resources; its directory is read again after so long. */
const DIRECTORY_AGE_MS = 3_600_000;
/** A nonce is good once and may have expired: the authority says so and gives another. So many that one which refuses every fifth by chance is never given up. */
const MAX_NONCE_RETRIES = 10;
const MAX_NONCES_KEPT = 10;

const Https = z.url({ protocol: /^https$/ }).max(2_000);
const Directory = z.object({ newNonce: Https, newAccount: Https, newOrder: Https });
type Directory = z.infer<typeof Directory>;

const Order = z.object({
  status: z.enum(["pending", "ready", "processing", "valid", "invalid"]),
  authorizations: z.array(Https).min(1).max(100),
  finalize: Https,
  certificate: Https.optional(),
  error: Problem.optional(),
});
const Authorization = z.object({
  status: z.enum(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]),
  challenges: z
    .array(z.object({ type: z.string(), url: Https.optional(), token: z.string().optional(), error: Problem.optional() }))
    .max(100),
});
const Token = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/);

interface Known {
  readonly directory: Directory;
  readonly readAtMs: number;
  /** Given by the authority and not used yet. */
  readonly nonces: string[];
}

interface Post {
  readonly url: string;
  readonly accountUrl: string | undefined;
  readonly payload: unknown;
}

/** An ACME authority over HTTPS (RFC 8555), as far as certificates proved by HTTP-01 need it. */
export class AcmeClient implements AcmeAuthority {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async register(session: AcmeSession, email: string | undefined): Promise<string> {
    const { directory } = await this.#of(session);
    const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
    const payload = { termsOfServiceAgreed: true, ...contact };
    return located(await this.#post(session, { url: directory.newAccount, accountUrl: undefined, payload }), "the account");
  }

  async place(session: AcmeAccountSession, host: string): Promise<AcmeOrder & { readonly url: string }> {
    const { directory } = await this.#of(session);
    const payload = { identifiers: [{ type: "dns", value: host }] };
    const answer = await this.#post(session, { url: directory.newOrder, accountUrl: session.accountUrl, payload });
    return { ...orderOf(answer), url: located(answer, "the order") };
  }

  async order(session: AcmeAccountSession, url: string): Promise<AcmeOrder> {
    return orderOf(await this.#get(session, url));
  }

  async authorization(session: AcmeAccountSession, url: string): Promise<AcmeAuthorization> {
    const { status, challenges } = read(Authorization, await this.#get(session, url));
    const offered = challenges.find(({ type }) => type === "http-01");
    const problem = challenges.find(({ error }) => error !== undefined)?.error;
    const token = Token.safeParse(offered?.token).data;
    return {
      status,
      ...(offered?.url === undefined || token === undefined ? {} : { challenge: { url: offered.url, token } }),
      ...(problem === undefined ? {} : { problem: detailOf(problem) }),
    };
  }

  keyAuthorization(key: string, token: string): string {
    return keyAuthorizationOf(key, token);
  }

  async tell(session: AcmeAccountSession, challengeUrl: string): Promise<void> {
    await this.#post(session, { url: challengeUrl, accountUrl: session.accountUrl, payload: {} });
  }

  async finalize(session: AcmeAccountSession, url: string, request: Uint8Array): Promise<void> {
    const payload = { csr: Buffer.from(request).toString("base64url") };
    await this.#post(session, { url, accountUrl: session.accountUrl, payload });
  }

  async download(session: AcmeAccountSession, url: string): Promise<string> {
    return (await this.#get(session, url)).body;
  }

  #get(session: AcmeAccountSession, url: string): Promise<HttpsAnswer> {
    return this.#post(session, { url, accountUrl: session.accountUrl, payload: undefined });
  }

  async #post(session: AcmeSession, { url, accountUrl, payload }: Post): Promise<HttpsAnswer> {
    const known = await this.#of(session);
    for (let attempt = 0; ; attempt += 1) {
      const nonce = known.nonces.pop() ?? (await this.#newNonce(session, known));
      const body = signedBody({ key: session.key, url, nonce, accountUrl, payload });
      const answer = await askHttps({ url, method: "POST", body, ...session });
      keepNonce(known, answer);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const failure = failureOf(answer, this.#clock.nowMs());
      if (failure.type !== "badNonce" || attempt >= MAX_NONCE_RETRIES) throw failure;
    }
  }

  async #newNonce(session: AcmeSession, known: Known): Promise<string> {
    const answer = await askHttps({ url: known.directory.newNonce, method: "HEAD", ...session });
    keepNonce(known, answer);
    const nonce = known.nonces.pop();
    if (nonce === undefined) throw nonsense("it gives no nonce");
    return nonce;
  }

  async #of(session: AcmeSession): Promise<Known> {
    const { directoryUrl } = session;
    const known = this.#known.get(directoryUrl);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.readAtMs < DIRECTORY_AGE_MS) return known;
    const answer = await askHttps({ url: directoryUrl, method: "GET", ...session });
    if (answer.status !== 200) throw failureOf(answer, this.#clock.nowMs());
    const fresh: Known = { directory: read(Directory, answer), readAtMs: nowMs, nonces: [] };
    this.#known.set(directoryUrl, fresh);
    return fresh;
  }
}

function keepNonce({ nonces }: Known, { headers }: HttpsAnswer): void {
  const nonce = headers["replay-nonce"];
  if (nonce !== undefined && nonces.length < MAX_NONCES_KEPT) nonces.push(nonce);
}

function orderOf(answer: HttpsAnswer): AcmeOrder {
  const { error, ...order } = read(Order, answer);
  return { ...order, ...(error === undefined ? {} : { problem: detailOf(error) }) };
}

function located({ headers }: HttpsAnswer, what: string): string {
  const url = Https.safeParse(headers["location"]);
  if (!url.success) throw nonsense(`it does not say where ${what} is`);
  return url.data;
}

function read<Schema extends z.ZodType>(schema: Schema, { body }: HttpsAnswer): z.output<Schema> {
  const parsed = schema.safeParse(parsedJson(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw nonsense(issue === undefined ? "it is not understood" : `${issue.path.join(".") || "the answer"}: ${issue.message}`);
}

function nonsense(what: string): AcmeFailure {
  return new AcmeFailure("unreachable", `what answers is no ACME authority (RFC 8555): ${what}`);
}
