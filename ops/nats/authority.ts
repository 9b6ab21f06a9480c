// First, because x509's dependency-injection container looks for it when it is loaded.
import "reflect-metadata";
import { X509Certificate, createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60_000;
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
const CERTIFICATE_LIFE_MS = 30 * DAY_MS;
/** Clocks of nodes differ: a certificate is valid from a little before now. */
const CLOCK_TOLERANCE_MS = 10 * 60_000;

/** PEM texts. The key is a secret. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** `server` names are DNS names and IP addresses a client may dial; a `client` is the one user name the server maps it to. */
export type Holder = { readonly kind: "server"; readonly names: readonly string[] } | { readonly kind: "client"; readonly user: string };

x509.cryptoProvider.set(webcrypto);

/** A new certificate authority, good for ten years. */
export async function createAuthority(nowMs: number, name = "Odysseus bus authority"): Promise<KeyedCertificate> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    notBefore: new Date(nowMs - CLOCK_TOLERANCE_MS),
    notAfter: new Date(nowMs + AUTHORITY_LIFE_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** A certificate, for 30 days unless said otherwise, signed by the authority, with a key of its own. */
export async function issueCertificate(
  authority: KeyedCertificate,
  holder: Holder,
  nowMs: number,
  lifeMs = CERTIFICATE_LIFE_MS,
): Promise<KeyedCertificate> {
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await generateKeys();
  const usage = holder.kind === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: issuer.subject,
    subject: "O=Odysseus",
    notBefore: new Date(nowMs - CLOCK_TOLERANCE_MS),
    notAfter: new Date(nowMs + lifeMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension(alternativeNames(holder)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** A new private key. */
export async function createKey(): Promise<string> {
  return exportKey((await generateKeys()).privateKey);
}

/** DER of a request that an authority issue a certificate for this DNS name to the holder of the key (PKCS #10). */
export async function createRequest(key: string, dnsName: string): Promise<Uint8Array> {
  const publicKey = createPublicKey(createPrivateKey(key)).export({ format: "der", type: "spki" });
  const keys = {
    privateKey: await importKey(key),
    publicKey: await webcrypto.subtle.importKey("spki", publicKey, algorithm, true, ["verify"]),
  };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: dnsName }])],
  });
  return new Uint8Array(request.rawData);
}

/** Whether less than half of a certificate's life remains, or it is no certificate at all. */
export function isDueForRenewal(pem: string, nowMs: number): boolean {
  try {
    const { notBefore, notAfter } = new x509.X509Certificate(pem);
    return nowMs > (notBefore.getTime() + notAfter.getTime()) / 2;
  } catch {
    return true;
  }
}

/** Whether an authority's certificate signed the other. */
export function isIssuedBy(pem: string, authority: string): boolean {
  try {
    return new X509Certificate(pem).verify(new X509Certificate(authority).publicKey);
  } catch {
    return false;
  }
}

/** Whether a certificate and a key belong together: a crash between writing one and the other leaves two that do not. */
export function isPair({ cert, key }: KeyedCertificate): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** The names a certificate was issued for. */
export function namesOf(pem: string): readonly string[] {
  const extension = new x509.X509Certificate(pem).getExtension(x509.SubjectAlternativeNameExtension);
  return extension?.names.toJSON().map((name) => name.value) ?? [];
}

function alternativeNames(holder: Holder): x509.JsonGeneralNames {
  if (holder.kind === "client") return [{ type: "dns", value: holder.user }];
  return holder.names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value }));
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, false, ["sign"]);
}

/** Positive, as the standard demands: the first bit is 0 and the first byte is not. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}
