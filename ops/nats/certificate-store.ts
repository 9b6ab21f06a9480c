import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority, isDueForRenewal, isIssuedBy, isPair, issueCertificate, namesOf } from "./authority.ts";
import type { Holder, KeyedCertificate } from "./authority.ts";

/** What a client needs for its side of the connection: PEM texts, and the files they are in. */
export interface ClientTls extends KeyedCertificate {
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The authority and its certificates in one folder, 0700, every file 0600. */
export interface CertificateStore {
  readonly authorityFile: string;
  /** The certificate of a holder: the kept one, or a new one when less than half of its life remains, its names changed or its authority did. */
  certificateFor(fileName: string, holder: Holder): Promise<ClientTls & { readonly phase: "kept" | "issued" }>;
}

export async function openCertificateStore(folder: string, now: () => number): Promise<CertificateStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authorityFile = join(folder, "authority.crt");
  const authority = (await readPair(folder, "authority")) ?? (await keep(folder, "authority", await createAuthority(now())));
  return {
    authorityFile,
    async certificateFor(fileName, holder) {
      const kept = await readPair(folder, fileName);
      // An authority that was lost has been replaced by a new one, which nobody's old certificate comes from.
      const isOurs = kept !== undefined && isIssuedBy(kept.cert, authority.cert) && isFor(kept.cert, holder);
      const isGood = isOurs && !isDueForRenewal(kept.cert, now());
      const pair = isGood ? kept : await keep(folder, fileName, await issueCertificate(authority, holder, now()));
      const files = { caFile: authorityFile, certFile: join(folder, `${fileName}.crt`), keyFile: join(folder, `${fileName}.key`) };
      return { ...pair, ...files, ca: authority.cert, phase: isGood ? "kept" : "issued" };
    },
  };
}

function isFor(cert: string, holder: Holder): boolean {
  const names = new Set(namesOf(cert));
  return (holder.kind === "server" ? holder.names : [holder.user]).every((name) => names.has(name));
}

async function readPair(folder: string, fileName: string): Promise<KeyedCertificate | undefined> {
  try {
    const [cert, key] = await Promise.all(["crt", "key"].map((kind) => readFile(join(folder, `${fileName}.${kind}`), "utf8")));
    return cert !== undefined && key !== undefined && isPair({ cert, key }) ? { cert, key } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The key first: a certificate is never without its key. */
async function keep(folder: string, fileName: string, pair: KeyedCertificate): Promise<KeyedCertificate> {
  await writeWhole(join(folder, `${fileName}.key`), pair.key);
  await writeWhole(join(folder, `${fileName}.crt`), pair.cert);
  return pair;
}

/** Replaces a file in one step, readable by its owner alone. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o600, flush: true });
  await rename(draft, path);
}
