import { z } from "zod";

/** Certificates of the routes: what is told about them. Private keys are in none of these. */

/** The authority asked unless a person names another. Asked only after its terms were agreed to. */
export const LETS_ENCRYPT_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory";

/** Host names with a route that wants a certificate; as many as an ingress node's table holds routes. */
export const MAX_WANTED_HOSTS = 1_000;
export const MAX_UPLOADS = 500;
export const MAX_CHAIN_CHARACTERS = 100_000;
export const MAX_KEY_CHARACTERS = 20_000;

/** Which authority is asked for certificates (RFC 8555), and how. Exists only after a person agreed to the authority's terms of service. */
export const AcmeSettings = z.strictObject({
  directoryUrl: z.url({ protocol: /^https$/, error: "the directory of an authority is an https address" }).max(1_000),
  /** Where the authority writes to when something is wrong. */
  email: z.email().max(200).optional(),
  /** PEM: roots the authority's own server is trusted by, beside the system's. For a private authority. */
  trustedRoots: z.string().max(MAX_CHAIN_CHARACTERS).optional(),
  /** Also asked for local names (app.test, db.internal), which no public authority certifies. */
  localNames: z.boolean(),
});
export type AcmeSettings = z.infer<typeof AcmeSettings>;

/** What can be read off a certificate. */
export const CertificateFacts = z.object({
  /** Names and addresses it is valid for; `*.example.com` stands for one label. */
  hosts: z.array(z.string()),
  issuer: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  /** SHA-256 of the leaf, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint: z.string(),
});
export type CertificateFacts = z.infer<typeof CertificateFacts>;

export const CertificateSource = z.enum(["uploaded", "acme", "self-signed"]);
export type CertificateSource = z.infer<typeof CertificateSource>;

/** One certificate that is used or could be, or a host that still waits for one. */
export const CertificateView = z.object({
  /** The host, or `upload-3` for what was uploaded. */
  name: z.string(),
  /** Names and addresses it is valid for. */
  hosts: z.array(z.string()),
  /** Hosts of routes that it answers for now. */
  serves: z.array(z.string()),
  source: CertificateSource,
  /** pending: there is none yet. unreadable: its private key cannot be opened. */
  state: z.enum(["valid", "expiring", "expired", "pending", "unreadable"]),
  /** One sentence: why it is this one, what is under way, what went wrong. Empty when there is nothing to explain. */
  reason: z.string(),
  issuer: z.string().optional(),
  notBeforeMs: z.number().optional(),
  notAfterMs: z.number().optional(),
  fingerprint: z.string().optional(),
  /** When it will be renewed. */
  renewAtMs: z.number().optional(),
  /** The order at the authority that is under way. */
  order: z.object({ step: z.string(), startedAtMs: z.number(), deadlineAtMs: z.number() }).optional(),
  lastFailure: z.object({ atMs: z.number(), message: z.string() }).optional(),
  nextAttemptAtMs: z.number().optional(),
});
export type CertificateView = z.infer<typeof CertificateView>;

/** How certificates are had. */
export const CertificateSettingsView = z.object({
  acme: z.enum(["on", "off"]),
  directoryUrl: z.string().optional(),
  email: z.string().optional(),
  hasTrustedRoots: z.boolean(),
  localNames: z.boolean(),
  /** When a person agreed to the terms of service, and who. */
  agreedAtMs: z.number().optional(),
  agreedBy: z.string().optional(),
});
export type CertificateSettingsView = z.infer<typeof CertificateSettingsView>;
