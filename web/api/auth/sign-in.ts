import type { FastifyInstance } from "fastify";
import { apiRefusals } from "../errors.ts";
import { htmlPage, PAGE_POLICY } from "../html.ts";
import { sendProblem } from "../problems.ts";
import { SIGN_IN_LINK_LIFETIME_MS } from "./administrator.ts";
import { FailureLimit } from "./failure-limit.ts";
import { SESSION_COOKIE, type GuardOptions } from "./guard.ts";

const MAX_TOKEN_CHARACTERS = 200;

/**
 * `GET /sign-in?token=...` uses up a one-time link and sets the session cookie. It answers with a page, not a redirect: a strict same-site cookie would
 * not be sent along a redirect that another site began.
 */
export function installSignIn(
  app: FastifyInstance,
  options: Pick<GuardOptions, "auth" | "clock"> & { readonly isEncrypted: boolean },
): void {
  const limit = new FailureLimit(options.clock);
  app.get("/sign-in", { config: { access: "open" }, schema: { hide: true } }, async (request, reply) => {
    const { token } = request.query as { readonly token?: unknown };
    const session = typeof token === "string" && token.length <= MAX_TOKEN_CHARACTERS ? options.auth.signIn(token) : undefined;
    if (session === undefined) {
      const retryAfterSeconds = limit.failed(request.ip);
      const validMinutes = SIGN_IN_LINK_LIFETIME_MS / 60_000;
      const refusal =
        retryAfterSeconds === undefined
          ? apiRefusals["auth.link-invalid"]({ validMinutes })
          : apiRefusals["auth.too-many-failures"]({ retryAfterSeconds });
      return sendProblem(request, reply, refusal);
    }
    return reply
      .setCookie(SESSION_COOKIE, session.session, {
        path: "/",
        httpOnly: true,
        sameSite: "strict",
        secure: options.isEncrypted,
        maxAge: Math.floor(session.lifetimeMs / 1_000),
      })
      .header("content-security-policy", PAGE_POLICY)
      .type("text/html; charset=utf-8")
      .send(
        htmlPage(
          "Signed in",
          `<h1>You are signed in</h1>\n<p>This browser stays signed in for a week. Go on to the <a href="/docs">documentation of the API</a>.</p>`,
        ),
      );
  });
}
