import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import type { CertificateFacts } from "./contract.ts";

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const MAX_CHAIN_LENGTH = 10;

export type ReadChain =
  | { readonly kind: "chain"; readonly facts: CertificateFacts; readonly chain: string }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

/** Reads a chain in PEM form and what its leaf says. */
export function readChain(text: string): ReadChain {
  const certificates = parsed(text);
  if (typeof certificates === "string") return problems(certificates);
  const [leaf] = certificates;
  if (leaf === undefined) return problems("the chain holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  return {
    kind: "chain",
    facts: {
      hosts: namesOf(leaf),
      issuer: nameOf(leaf.issuer),
      notBeforeMs: leaf.validFromDate.getTime(),
      notAfterMs: leaf.validToDate.getTime(),
      fingerprint: leaf.fingerprint256,
    },
    chain: certificates.map((certificate) => certificate.toString()).join(""),
  };
}

/** Whether a chain and a private key belong together and can serve hosts: everything that is wrong with them, in words. The key is in none of the words. */
export function readPair(chainText: string, keyText: string): ReadChain {
  const read = readChain(chainText);
  if (read.kind === "problems") return read;
  const certificates = parsed(read.chain);
  const [leaf] = typeof certificates === "string" ? [] : certificates;
  const key = keyOf(keyText);
  const found = [
    ...(typeof key === "string"
      ? [key]
      : leaf?.checkPrivateKey(key) === true
        ? []
        : ["the key is not that of the chain's first certificate"]),
    ...(read.facts.hosts.length === 0 ? ["the certificate names no host (subject alternative name)"] : []),
    ...(leaf?.ca === true ? ["the first certificate is an authority's: put the one of the host first"] : []),
    ...(typeof certificates === "string" ? [] : orderProblems(certificates)),
  ];
  return found.length === 0 ? read : { kind: "problems", problems: found };
}

/** Why a certificate is not valid at a time; empty when it is. */
export function timeProblems({ notBeforeMs, notAfterMs }: CertificateFacts, nowMs: number): readonly string[] {
  return [
    ...(notAfterMs <= nowMs ? [`the certificate ended on ${new Date(notAfterMs).toISOString()}`] : []),
    ...(notBeforeMs > nowMs ? [`the certificate begins on ${new Date(notBeforeMs).toISOString()} only`] : []),
  ];
}

function orderProblems(certificates: readonly X509Certificate[]): readonly string[] {
  const at = certificates.findIndex((certificate, index) => {
    const issuer = certificates[index + 1];
    return issuer !== undefined && !(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
  return at < 0 ? [] : [`certificate ${at + 2} of the chain did not issue certificate ${at + 1}: put each before its issuer`];
}

function parsed(text: string): readonly X509Certificate[] | string {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length > MAX_CHAIN_LENGTH) return `the chain holds more than ${MAX_CHAIN_LENGTH} certificates`;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return "the chain holds something between BEGIN CERTIFICATE and END CERTIFICATE that is no certificate";
  }
}

function keyOf(text: string): KeyObject | string {
  if (/ENCRYPTED/.test(text)) return "the key is encrypted with a passphrase: decrypt it first, for instance with openssl pkey";
  try {
    return createPrivateKey(text);
  } catch {
    return "the key is no private key in PEM form (-----BEGIN PRIVATE KEY-----)";
  }
}

/** DNS names and addresses. */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? "").split(/,\s*/).flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase() ?? []);
}

/** The common name, else the organisation, else all of it. */
function nameOf(distinguishedName: string): string {
  const fields = new Map(distinguishedName.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
  return fields.get("CN") ?? fields.get("O") ?? distinguishedName.replaceAll("\n", ", ");
}

function problems(...found: readonly string[]): ReadChain {
  return { kind: "problems", problems: found };
}
