import { z } from "zod";
import { defineOperation, type Operation } from "../catalogue.ts";
import { nearestRow } from "../nearest-row.ts";
import { page, pageOf, paging } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { certificateView, readCertificate } from "./certificate-reads.ts";
import { CertificateSettingsView, CertificateView } from "./contract.ts";
import { CertificateSettingsRow, SETTINGS_ROW } from "./projection.ts";
import { certificateRefusals as refusals } from "./refusals.ts";

export const CertificateName = z.string().min(1).max(253).describe("Its name, or a host that it serves.");

/** Before anybody has configured anything. */
const NO_SETTINGS: CertificateSettingsRow = { acme: "off", hasTrustedRoots: false, localNames: false };

/** Reading operations of certificates. */
export const certificateReads: readonly Operation[] = [
  defineOperation({
    name: "certificates.list",
    title: "List the certificates of routes",
    description:
      "Which certificate serves each host of a route with TLS, where it is from, when it ends, what is under way and what went wrong. Private keys are never shown.",
    input: z.strictObject(paging),
    output: pageOf(CertificateView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/certificates" },
    example: "certificates",
    effect: "read",
    handle: async ({ limit, cursor }, context) => {
      const found = await context.reads.rows({ kind: "certificate", limit, ...(cursor === undefined ? {} : { cursor }) });
      return page(
        found.items.map(({ body }) => certificateView(context, body)),
        found.next,
        found.asOfOffset,
      );
    },
  }),
  defineOperation({
    name: "certificates.get",
    title: "Show one certificate",
    description: "By its name (the host, or upload-1 and so on for what was uploaded), or by a host that it serves.",
    input: z.strictObject({ name: CertificateName }),
    output: CertificateView,
    roles: READERS,
    errors: ["certificate.not-found"],
    http: { method: "GET", path: "/certificates/{name}" },
    example: "certificates get app.example.com",
    effect: "read",
    handle: async ({ name }, context) => {
      const found = await readCertificate(context, name);
      if (found !== undefined) return { kind: "ok", value: found };
      return refusals["certificate.not-found"]({ name, nearest: await nearestRow(context.reads, "certificate", name) });
    },
  }),
  defineOperation({
    name: "certificates.settings",
    title: "Show how certificates are had",
    description: "Which ACME authority is asked, with which contact address, and who agreed to its terms of service.",
    input: z.strictObject({}),
    output: CertificateSettingsView,
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/certificate-settings" },
    example: "certificates settings",
    effect: "read",
    handle: async (_input, context) => {
      const { row } = await context.reads.row("certificate-settings", SETTINGS_ROW);
      const { localAuthority: _, ...settings } = row === undefined ? NO_SETTINGS : CertificateSettingsRow.parse(row.body);
      return { kind: "ok", value: settings };
    },
  }),
  defineOperation({
    name: "certificates.authority",
    title: "Show the local authority",
    description: "The certificate, in PEM form, that signs those of local names on this installation. Who trusts it once trusts them all.",
    input: z.strictObject({}),
    output: z.object({ certificate: z.string() }),
    roles: READERS,
    errors: ["certificate.authority-missing"],
    http: { method: "GET", path: "/certificate-authority" },
    example: "certificates authority --json",
    effect: "read",
    handle: async (_input, context) => {
      const { row } = await context.reads.row("certificate-settings", SETTINGS_ROW);
      const certificate = row === undefined ? undefined : CertificateSettingsRow.parse(row.body).localAuthority;
      return certificate === undefined ? refusals["certificate.authority-missing"]({}) : { kind: "ok", value: { certificate } };
    },
  }),
];
