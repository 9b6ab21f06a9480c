import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { z } from "zod";

/** What an account key of ours is: P-256. In the order the thumbprint needs (RFC 7638). */
const PublicJwk = z.object({ crv: z.literal("P-256"), kty: z.literal("EC"), x: z.string(), y: z.string() });

export interface Signed {
  /** PEM. */
  readonly key: string;
  readonly url: string;
  readonly nonce: string;
  /** Absent: the key itself says who signs, as when an account is registered. */
  readonly accountUrl: string | undefined;
  /** Absent: POST-as-GET (RFC 8555, 6.3). */
  readonly payload: unknown;
}

/** A request as RFC 8555 wants it: flattened JWS (RFC 7515), ES256. */
export function signedBody({ key, url, nonce, accountUrl, payload }: Signed): string {
  const who = accountUrl === undefined ? { jwk: jwkOf(key) } : { kid: accountUrl };
  const protectedHeader = encoded({ alg: "ES256", ...who, nonce, url });
  const body = payload === undefined ? "" : encoded(payload);
  const signature = sign("sha256", Buffer.from(`${protectedHeader}.${body}`), { key: createPrivateKey(key), dsaEncoding: "ieee-p1363" });
  return JSON.stringify({ protected: protectedHeader, payload: body, signature: signature.toString("base64url") });
}

/** What proves control of a host to whoever asked for the token (RFC 8555, 8.1). */
export function keyAuthorizationOf(key: string, token: string): string {
  return `${token}.${createHash("sha256")
    .update(JSON.stringify(jwkOf(key)))
    .digest("base64url")}`;
}

function jwkOf(key: string): z.infer<typeof PublicJwk> {
  return PublicJwk.parse(createPublicKey(createPrivateKey(key)).export({ format: "jwk" }));
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
