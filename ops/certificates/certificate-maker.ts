import type { CertificateMaker } from "../../actors/certificate/ports.ts";
import { createAuthority, createKey, createRequest, issueCertificate } from "../nats/authority.ts";

/** Of a certificate that our own authority signs. */
const LOCAL_LIFE_MS = 90 * 86_400_000;

/** Keys on P-256, and an authority of this installation's own for names that no other certifies. */
export const certificateMaker: CertificateMaker = {
  newKey: createKey,
  request: createRequest,
  newAuthority: async (nowMs) => {
    const { cert, key } = await createAuthority(nowMs, "Odysseus local authority");
    return { certificate: cert, key };
  },
  issueLocal: async ({ certificate, key }, host, nowMs) => {
    const issued = await issueCertificate({ cert: certificate, key }, { kind: "server", names: [host] }, nowMs, LOCAL_LIFE_MS);
    // Without the authority's own: who trusts it has it, and tables stay small.
    return { chain: `${issued.cert.trimEnd()}\n`, key: issued.key };
  },
};
