import type { AuditNote, DecideContext, Decision } from "../../runtime/actor.ts";
import { advance } from "./advance.ts";
import type { CertificatesCommand, EdgeCommand, OrderNews, StepFailure } from "./commands.ts";
import { evolve } from "./evolve.ts";
import { decideForPerson } from "./person.ts";
import { hostOf, type CertificatesEvent, type CertificatesState } from "./state.ts";
import { pauseMs, renewAtMs } from "./timing.ts";

export function decide(state: CertificatesState, command: CertificatesCommand, context: DecideContext): Decision<CertificatesEvent> {
  switch (command.kind) {
    case "configure":
    case "upload":
    case "remove":
    case "renew": {
      const outcome = decideForPerson(state, command, context);
      if (outcome.kind === "refuse") return outcome;
      const events = followed(state, outcome.events, context.nowMs);
      return { ...outcome, events, audit: [...(outcome.audit ?? []), ...notesOf(events)] };
    }
    case "want":
      return accept(state, wants(state, command.hosts), context);
    case "wake":
      return accept(state, [], context);
    default:
      return accept(state, newsOf(state, command, context), context);
  }
}

function wants(state: CertificatesState, hosts: readonly string[]): readonly CertificatesEvent[] {
  const before = Object.values(state.hosts).flatMap(({ host, isWanted }) => (isWanted ? [host] : []));
  const after = [...new Set(hosts)].toSorted();
  return JSON.stringify(before.toSorted()) === JSON.stringify(after) ? [] : [{ type: "hosts.wanted", hosts: after }];
}

/** What the edge did, if it still matters. */
function newsOf(state: CertificatesState, command: EdgeCommand, context: DecideContext): readonly CertificatesEvent[] {
  const { account } = state;
  switch (command.kind) {
    case "authority-made":
      return state.authority === undefined ? [{ type: "authority.made", certificate: command.certificate, key: command.key }] : [];
    case "local-made": {
      const { host, certificate } = command;
      const renewal = { renewAtMs: renewAtMs(host, certificate, context.nowMs), isDue: false };
      return hostOf(state, host).isWanted ? [{ type: "local-certificate.made", host, certificate: { ...certificate, ...renewal } }] : [];
    }
    case "account-key-made":
      return state.acme?.settings.directoryUrl === command.directoryUrl && account?.directoryUrl !== command.directoryUrl
        ? [{ type: "account.key-made", directoryUrl: command.directoryUrl, key: command.key }]
        : [];
    case "account-registered":
      return account?.directoryUrl === command.directoryUrl && account.url === undefined
        ? [{ type: "account.registered", directoryUrl: command.directoryUrl, url: command.url }]
        : [];
    case "account-refused":
      // There may be no account yet: a key for one could not be made.
      return state.acme?.settings.directoryUrl === command.directoryUrl
        ? Object.values(state.hosts).flatMap(({ host, order }) =>
            order === undefined ? [] : [failed(state, host, command.failure, context.nowMs)],
          )
        : [];
    case "account-unknown":
      return account?.directoryUrl === command.directoryUrl && account.url !== undefined
        ? [{ type: "account.forgotten", directoryUrl: command.directoryUrl }]
        : [];
    case "order-news":
      return hostOf(state, command.host).order?.id === command.id ? [orderNews(state, command.host, command.news, context)] : [];
  }
}

function orderNews(state: CertificatesState, host: string, news: OrderNews, { nowMs }: DecideContext): CertificatesEvent {
  switch (news.kind) {
    case "offered":
      return { type: "challenge.offered", host, url: news.url, challenge: news.challenge };
    case "told":
      return { type: "challenge.told", host };
    case "authorized":
      return { type: "order.authorized", host, url: news.url };
    case "key-made":
      return { type: "certificate.key-made", host, key: news.key };
    case "issued": {
      const { certificate } = news;
      return {
        type: "certificate.issued",
        host,
        certificate: { ...certificate, renewAtMs: renewAtMs(host, certificate, nowMs), isDue: false },
      };
    }
    case "failed":
      return failed(state, host, news.failure, nowMs);
  }
}

function failed(state: CertificatesState, host: string, { kind, message, retryAfterMs }: StepFailure, nowMs: number): CertificatesEvent {
  const failures = (hostOf(state, host).trouble?.failures ?? 0) + 1;
  return { type: "order.failed", host, kind, message, nextAttemptAtMs: nowMs + pauseMs(host, kind, failures, retryAfterMs) };
}

function accept(state: CertificatesState, first: readonly CertificatesEvent[], { nowMs }: DecideContext): Decision<CertificatesEvent> {
  const events = followed(state, first, nowMs);
  return { kind: "accept", reply: null, events, messages: [], audit: notesOf(events) };
}

/** With what follows from them and from the time. */
function followed(state: CertificatesState, events: readonly CertificatesEvent[], nowMs: number): readonly CertificatesEvent[] {
  return [
    ...events,
    ...advance(
      events.reduce((next, event) => evolve(next, event, nowMs), state),
      nowMs,
    ),
  ];
}

/** Of what nobody asked for: a certificate that was had, or will end. */
function notesOf(events: readonly CertificatesEvent[]): readonly AuditNote[] {
  return events.flatMap((event): readonly AuditNote[] => {
    switch (event.type) {
      case "certificate.issued": {
        const { hosts, issuer, notAfterMs, fingerprint } = event.certificate;
        return [{ operation: event.type, after: { host: event.host, hosts, issuer, notAfterMs, fingerprint } }];
      }
      case "certificate.expiring":
      case "certificate.expired":
        return [{ operation: event.type, after: { name: event.name, notAfterMs: event.notAfterMs } }];
      default:
        return [];
    }
  });
}
