import type { CertificatesEvent } from "../../actors/certificate/state.ts";

/** What happened to certificates, in words. Undefined: bookkeeping. */
export function certificateWords(event: CertificatesEvent): string | undefined {
  switch (event.type) {
    case "acme.configured":
      return `certificates are had from ${event.settings.directoryUrl}, whose terms ${event.agreedBy} agreed to`;
    case "acme.switched-off":
      return "no authority is asked for certificates any more";
    case "certificate.uploaded":
      return `${event.name} uploaded, for ${event.certificate.hosts.join(", ")}`;
    case "certificate.removed":
      return event.because === "asked" ? `${event.name} deleted` : `${event.name} replaced by a newer upload`;
    case "authority.made":
      return "a local authority was made, for names that no other certifies";
    case "local-certificate.made":
      return `${event.host}: self-signed certificate made`;
    case "account.registered":
      return `account registered at ${event.directoryUrl}`;
    case "account.forgotten":
      return `${event.directoryUrl} does not know our account any more: it is registered again`;
    case "order.asked":
      return `${event.host}: a new certificate was asked for`;
    case "order.started":
      return `${event.host}: a certificate is ordered`;
    case "challenge.offered":
      return `${event.host}: the authority wants a proof over HTTP, which every ingress node is given`;
    case "challenge.told":
      return `${event.host}: every ingress node gives the proof; the authority looks`;
    case "order.authorized":
      return `${event.host}: proved`;
    case "certificate.issued":
      return `${event.host}: certificate by ${event.certificate.issuer}, until ${isoTime(event.certificate.notAfterMs)}`;
    case "order.failed":
      return `${event.host}: ${event.message}; next attempt ${isoTime(event.nextAttemptAtMs)}`;
    case "order.cancelled":
      return `${event.host}: the order is given up, since ${event.reason}`;
    case "certificate.expiring":
      return `${event.name}: the certificate ends ${isoTime(event.notAfterMs)}: ${event.reason}`;
    case "certificate.expired":
      return `${event.name}: the certificate ended ${isoTime(event.notAfterMs)}`;
    case "hosts.wanted":
    case "certificate.due":
    case "account.key-made":
    case "certificate.key-made":
    case "certificate.forgotten":
      return undefined;
    default:
      return (event satisfies never as { readonly type: string }).type;
  }
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
