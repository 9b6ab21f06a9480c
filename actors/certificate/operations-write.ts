import { z } from "zod";
import { addressOf } from "../../runtime/address.ts";
import type { Reply } from "../../runtime/actor.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { RouteHost } from "../ingress/contract.ts";
import type { PersonCommand } from "./commands.ts";
import { AcmeSettings, LETS_ENCRYPT_DIRECTORY, MAX_CHAIN_CHARACTERS, MAX_KEY_CHARACTERS } from "./contract.ts";
import { sealedText } from "./key-texts.ts";
import { CertificateName } from "./operations.ts";
import { readChain, readPair, timeProblems } from "./pem.ts";
import { certificateRefusals as refusals } from "./refusals.ts";

const DECISION_TIMEOUT_MS = 15_000;

const Uploaded = z.object({
  name: z.string(),
  hosts: z.array(z.string()),
  issuer: z.string(),
  notBeforeMs: z.number(),
  notAfterMs: z.number(),
  fingerprint: z.string(),
  replaces: z.array(z.string()),
});

/** Changing operations of certificates. */
export const certificateWrites: readonly Operation[] = [
  defineOperation({
    name: "certificates.upload",
    title: "Upload a certificate with its private key",
    description:
      "It serves every host it is valid for, before any other. The key must belong to the chain's first certificate; it is kept encrypted and never shown again. One for the same hosts takes the place of the one before.",
    input: z.strictObject({
      chain: z.string().min(1).max(MAX_CHAIN_CHARACTERS).meta({ file: true }).describe("Certificates in PEM form, the host's first."),
      key: z.string().min(1).max(MAX_KEY_CHARACTERS).meta({ file: true }).describe("Private key in PEM form, without a passphrase."),
    }),
    output: Uploaded,
    roles: ["admin", "operator"],
    errors: ["certificate.invalid", "certificate.too-many"],
    http: { method: "POST", path: "/certificates" },
    example: "certificates upload --chain fullchain.pem --key privkey.pem",
    effect: "write",
    handle: async ({ chain, key }, context) => {
      const read = readPair(chain, key);
      const problems = read.kind === "problems" ? read.problems : timeProblems(read.facts, context.clock.nowMs());
      if (read.kind === "problems" || problems.length > 0) return refusals["certificate.invalid"]({ problems });
      // Sealed before anybody is told of it: the command, which is written down and repeated, names the key alone.
      const reference = await sealedText(context.sealed, "certificate/uploaded", key);
      return ask(context, { kind: "upload", certificate: { ...read.facts, chain: read.chain, key: reference } });
    },
  }),
  defineOperation({
    name: "certificates.delete",
    title: "Delete an uploaded certificate",
    description: "The hosts it served get another: of the authority where one is configured, else a self-signed one.",
    input: z.strictObject({ name: CertificateName }),
    output: z.object({ name: z.string() }),
    roles: ["admin", "operator"],
    errors: ["certificate.not-found", "certificate.not-uploaded"],
    http: { method: "DELETE", path: "/certificates/{name}" },
    example: "certificates delete upload-1",
    effect: "destructive",
    handle: ({ name }, context) => ask(context, { kind: "remove", name }),
  }),
  defineOperation({
    name: "certificates.renew",
    title: "Ask the authority for a host's certificate now",
    description:
      "Without waiting for its time, or for the next attempt after a failure. The present one serves until the new one is there.",
    input: z.strictObject({ host: RouteHost }),
    output: z.object({ host: z.string() }),
    roles: ["admin", "operator"],
    errors: ["certificate.not-found", "certificate.not-ours", "certificate.too-soon"],
    http: { method: "POST", path: "/certificates/{host}/renew" },
    example: "certificates renew app.example.com",
    effect: "write",
    handle: ({ host }, context) => ask(context, { kind: "renew", host }),
  }),
  defineOperation({
    name: "certificates.configure",
    title: "Say which ACME authority is asked for certificates",
    description:
      "Let's Encrypt unless a directory is named. Nothing is asked of an authority before its terms of service were agreed to. Wildcards and local names are not asked for; a private authority may be asked for local names, too.",
    input: z.strictObject({
      acme: z
        .enum(["on", "off"])
        .describe("Whether an authority is asked. After off, what it issued serves until it ends, and is not renewed."),
      directoryUrl: AcmeSettings.shape.directoryUrl
        .default(LETS_ENCRYPT_DIRECTORY)
        .describe("The authority's directory (RFC 8555); absent: that of Let's Encrypt."),
      email: AcmeSettings.shape.email.describe("Where the authority writes to when something is wrong."),
      agreeTerms: z.boolean().default(false).describe("You agree to the authority's terms of service."),
      trustedRoots: AcmeSettings.shape.trustedRoots
        .meta({ file: true })
        .describe("Roots, in PEM form, by which the server of a private authority is trusted."),
      localNames: z.boolean().default(false).describe("The authority also certifies local names, such as app.test."),
    }),
    output: z.object({ acme: z.enum(["on", "off"]) }),
    roles: ["admin"],
    errors: ["certificate.terms-not-agreed", "certificate.roots-invalid"],
    http: { method: "PUT", path: "/certificate-settings" },
    example: "certificates configure --acme on --email ops@example.com --agree-terms",
    effect: "write",
    handle: async ({ acme, agreeTerms, ...settings }, context) => {
      if (acme === "off") return ask(context, { kind: "configure", acme: "off" });
      if (!agreeTerms) return refusals["certificate.terms-not-agreed"]({ directoryUrl: settings.directoryUrl });
      const roots = settings.trustedRoots === undefined ? undefined : readChain(settings.trustedRoots);
      if (roots?.kind === "problems") return refusals["certificate.roots-invalid"]({ problem: roots.problems.join("; ") });
      return ask(context, { kind: "configure", acme: settings });
    },
  }),
];

function ask({ host, tenant, meta }: OperationContext, command: PersonCommand): Promise<Reply> {
  return host.ask(addressOf(tenant, "certificates"), command, meta, { timeoutMs: DECISION_TIMEOUT_MS });
}
