import type { AuditNote, DecideContext, Decision } from "../../runtime/actor.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { whyNotAcme } from "./choose.ts";
import type { PersonCommand } from "./commands.ts";
import { MAX_UPLOADS, type AcmeSettings } from "./contract.ts";
import { certificateRefusals as refusals } from "./refusals.ts";
import { hostOf, type CertificatesEvent, type CertificatesState, type KeyedChain } from "./state.ts";
import { FAILURE_WINDOW_MS, MAX_FAILURES_PER_HOUR } from "./timing.ts";

type Change = Extract<Decision<CertificatesEvent>, { kind: "accept" }>;
type Outcome = Pick<Change, "events" | "reply"> & Omit<AuditNote, "operation">;

const OPERATIONS = {
  configure: "certificates.configure",
  upload: "certificates.upload",
  remove: "certificates.delete",
  renew: "certificates.renew",
} as const;

/** What a person asked for, or why not. Either way it is audited. */
export function decideForPerson(
  state: CertificatesState,
  command: PersonCommand,
  context: DecideContext,
): Change | Extract<Decision<CertificatesEvent>, { kind: "refuse" }> {
  const operation = OPERATIONS[command.kind];
  const outcome = outcomeOf(state, command, context);
  if ("kind" in outcome) return { kind: "refuse", refusal: outcome, audit: { operation } };
  const { events, reply, before, after } = outcome;
  return { kind: "accept", events, messages: [], reply, audit: [{ operation, before, after }] };
}

function outcomeOf(state: CertificatesState, command: PersonCommand, { nowMs, meta }: DecideContext): Outcome | Refusal {
  switch (command.kind) {
    case "configure":
      return configure(state, command.acme, meta.principal.id);
    case "upload":
      return upload(state, command.certificate);
    case "remove":
      return remove(state, command.name);
    case "renew":
      return renew(state, command.host, nowMs);
  }
}

function configure(state: CertificatesState, acme: AcmeSettings | "off", agreedBy: string): Outcome {
  const before = shown(state.acme?.settings);
  const reply = { acme: acme === "off" ? "off" : "on" };
  if (acme === "off")
    return { events: state.acme === undefined ? [] : [{ type: "acme.switched-off" }], reply, before, after: shown(undefined) };
  const isSame = JSON.stringify(state.acme?.settings) === JSON.stringify(acme);
  return { events: isSame ? [] : [{ type: "acme.configured", settings: acme, agreedBy }], reply, before, after: shown(acme) };
}

function shown(settings: AcmeSettings | undefined): unknown {
  if (settings === undefined) return { acme: "off" };
  const { trustedRoots, ...rest } = settings;
  return { acme: "on", ...rest, hasTrustedRoots: trustedRoots !== undefined };
}

/** One for the same hosts takes the place of the one before. */
function upload(state: CertificatesState, certificate: KeyedChain): Outcome | Refusal {
  const names = JSON.stringify(certificate.hosts.toSorted());
  const replaced = Object.values(state.uploads).filter(({ hosts }) => JSON.stringify(hosts.toSorted()) === names);
  if (Object.keys(state.uploads).length - replaced.length >= MAX_UPLOADS) return refusals["certificate.too-many"]({ limit: MAX_UPLOADS });
  const name = `upload-${state.nextUpload}`;
  const after = { name, ...factsOf(certificate) };
  return {
    events: [
      { type: "certificate.uploaded", name, certificate },
      ...replaced.map((each) => ({ type: "certificate.removed" as const, name: each.name, because: "replaced" as const })),
    ],
    reply: { ...after, replaces: replaced.map((each) => each.name) },
    before: replaced.map((each) => ({ name: each.name, ...factsOf(each) })),
    after,
  };
}

function remove(state: CertificatesState, name: string): Outcome | Refusal {
  const found = state.uploads[name];
  if (found === undefined)
    return state.hosts[name]?.isWanted === true
      ? refusals["certificate.not-uploaded"]({ name })
      : refusals["certificate.not-found"]({ name });
  return {
    events: [{ type: "certificate.removed", name, because: "asked" }],
    reply: { name },
    before: { name, ...factsOf(found) },
    after: undefined,
  };
}

function renew(state: CertificatesState, host: string, nowMs: number): Outcome | Refusal {
  const record = hostOf(state, host);
  if (!record.isWanted) return refusals["certificate.not-found"]({ name: host });
  const reason = whyNotAcme(state, host);
  if (reason !== undefined) return refusals["certificate.not-ours"]({ host, reason });
  const refused = record.trouble?.refusedAtMs.filter((at) => at > nowMs - FAILURE_WINDOW_MS) ?? [];
  if (refused.length >= MAX_FAILURES_PER_HOUR)
    return refusals["certificate.too-soon"]({ host, failures: refused.length, againAtMs: (refused[0] ?? nowMs) + FAILURE_WINDOW_MS });
  return {
    events: record.order === undefined && !record.isAsked ? [{ type: "order.asked", host }] : [],
    reply: { host },
    before: undefined,
    after: { host },
  };
}

function factsOf({ hosts, issuer, notBeforeMs, notAfterMs, fingerprint }: KeyedChain): Omit<KeyedChain, "chain" | "key"> {
  return { hosts, issuer, notBeforeMs, notAfterMs, fingerprint };
}
