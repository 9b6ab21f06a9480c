import type { Principal } from "../../../runtime/journal.ts";

/** Who a request comes from, and by what they proved it. */
export interface Identity {
  readonly principal: Principal;
  readonly tenant: string;
  readonly by: "token" | "session";
}

/** What the API must know of accounts. */
export interface Authenticator {
  /** `undefined`: not known, or ended. */
  byToken(token: string): Identity | undefined;
  bySession(session: string): Identity | undefined;
  /** Uses up a sign-in link and begins a session; `undefined` when the link is not valid (any more). */
  signIn(linkToken: string): { readonly session: string; readonly lifetimeMs: number } | undefined;
}
