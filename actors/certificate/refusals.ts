import { defineRefusals } from "../../runtime/refusal.ts";

/** Everything that is refused about certificates. */
export const certificateRefusals = defineRefusals({
  "certificate.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no certificate "${name}", and no route wants one for it.${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "certificate.invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ problems }: { problems: readonly string[] }) => `The certificate was not taken: ${problems.join("; ")}.`,
  },
  "certificate.too-many": {
    httpStatus: 409,
    retryable: false,
    message: ({ limit }: { limit: number }) => `There are ${limit} uploaded certificates already: delete those that nothing uses.`,
  },
  "certificate.not-uploaded": {
    httpStatus: 409,
    retryable: false,
    message: ({ name }: { name: string }) =>
      `"${name}" is the host of a route, and its certificate is ours to renew. Only uploaded ones (upload-1, ...) are deleted.`,
  },
  "certificate.not-ours": {
    httpStatus: 409,
    retryable: false,
    message: ({ host, reason }: { host: string; reason: string }) => `No authority is asked for "${host}": ${reason}.`,
  },
  "certificate.too-soon": {
    httpStatus: 429,
    retryable: true,
    message: ({ host, failures, againAtMs }: { host: string; failures: number; againAtMs: number }) =>
      `The authority refused "${host}" ${failures} times within an hour, and blocks it after more: ask again after ${new Date(againAtMs).toISOString()}.`,
  },
  "certificate.terms-not-agreed": {
    httpStatus: 422,
    retryable: false,
    message: ({ directoryUrl }: { directoryUrl: string }) =>
      `Certificates are had from ${directoryUrl} only by those who agree to its terms of service: read them there, then give --agree-terms.`,
  },
  "certificate.roots-invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ problem }: { problem: string }) => `The trusted roots were not taken: ${problem}. Give certificates in PEM form.`,
  },
  "certificate.authority-missing": {
    httpStatus: 404,
    retryable: true,
    message: (_: object) => "There is no local authority yet: it is made when the first route needs a self-signed certificate.",
  },
});
