import { alarmAtMs, MAX_ORDERS_AT_ONCE, ORDER_DEADLINE_MS } from "./timing.ts";
import { choiceOf, uploadFor, wantedHosts, whyNotAcme } from "./choose.ts";
import { evolve } from "./evolve.ts";
import type { Alarm, CertificatesEvent, CertificatesState, HostRecord, KeyedChain } from "./state.ts";

/** What follows from the state and the time, whoever changed it and whenever one looks. */
export function advance(state: CertificatesState, nowMs: number): readonly CertificatesEvent[] {
  const events: CertificatesEvent[] = [];
  let next = state;
  for (const rule of [lapses, alarms, cancellations, starts]) {
    const more = rule(next, nowMs);
    events.push(...more);
    next = more.reduce((current, event) => evolve(current, event, nowMs), next);
  }
  return events;
}

/** When something follows from the time alone. */
export function nextStepMs(state: CertificatesState, nowMs: number): number | undefined {
  const times = [
    ...Object.values(state.uploads).flatMap((upload) => alarmTimes(upload, upload.alarm)),
    ...Object.values(state.hosts).flatMap((record) => hostTimes(state, record)),
  ].filter((time) => time > nowMs);
  return times.length === 0 ? undefined : Math.min(...times);
}

function hostTimes(state: CertificatesState, record: HostRecord): readonly number[] {
  const { acme, local, trouble, alarm, isWanted } = record;
  if (!isWanted) return [acme?.notAfterMs ?? 0, local?.notAfterMs ?? 0];
  return [
    ...(acme === undefined ? [] : [acme.renewAtMs, ...alarmTimes(acme, alarm)]),
    local?.renewAtMs ?? 0,
    trouble !== undefined && whyNotAcme(state, record.host) === undefined ? trouble.nextAttemptAtMs : 0,
  ];
}

function alarmTimes(life: KeyedChain, alarm: Alarm): readonly number[] {
  return alarm === "expired" ? [] : [alarmAtMs(life), life.notAfterMs];
}

/** Certificates whose time to be renewed has come, and those that nobody wants any more and that have ended. */
function lapses(state: CertificatesState, nowMs: number): readonly CertificatesEvent[] {
  const isDue = (certificate: HostRecord["acme"]): boolean =>
    certificate !== undefined && !certificate.isDue && certificate.renewAtMs <= nowMs;
  const hosts = wantedHosts(state)
    .filter(({ acme, local }) => isDue(acme) || isDue(local))
    .map(({ host }) => host);
  const forgotten = Object.values(state.hosts).filter(
    ({ isWanted, acme, local, order }) =>
      !isWanted && order === undefined && [acme, local].every((each) => each === undefined || each.notAfterMs <= nowMs),
  );
  return [
    ...(hosts.length === 0 ? [] : [{ type: "certificate.due" as const, hosts }]),
    ...forgotten.map(({ host }) => ({ type: "certificate.forgotten" as const, host })),
  ];
}

function alarms(state: CertificatesState, nowMs: number): readonly CertificatesEvent[] {
  const ofHosts = wantedHosts(state).flatMap(({ host, acme, alarm, trouble }) =>
    acme === undefined || uploadFor(state, host) !== undefined
      ? []
      : alarmOf(host, acme, alarm, nowMs, trouble?.message ?? whyNotAcme(state, host) ?? "it was not renewed in time"),
  );
  const ofUploads = Object.values(state.uploads).flatMap((upload) =>
    alarmOf(upload.name, upload, upload.alarm, nowMs, "it was uploaded, so only a person can renew it: upload the next one"),
  );
  return [...ofHosts, ...ofUploads];
}

function alarmOf(name: string, life: KeyedChain, alarm: Alarm, nowMs: number, reason: string): readonly CertificatesEvent[] {
  const { notAfterMs } = life;
  if (alarm !== "expired" && nowMs >= notAfterMs) return [{ type: "certificate.expired", name, notAfterMs }];
  return alarm === "none" && nowMs >= alarmAtMs(life) ? [{ type: "certificate.expiring", name, notAfterMs, reason }] : [];
}

function cancellations(state: CertificatesState): readonly CertificatesEvent[] {
  return Object.values(state.hosts).flatMap(({ host, order, isWanted }) => {
    if (order === undefined) return [];
    const reason = isWanted ? whyNotAcme(state, host) : "no route wants it any more";
    return reason === undefined ? [] : [{ type: "order.cancelled" as const, host, reason }];
  });
}

/** Those without any certificate of the authority first, then what ends first. */
function starts(state: CertificatesState, nowMs: number): readonly CertificatesEvent[] {
  const running = Object.values(state.hosts).filter(({ order }) => order !== undefined).length;
  return wantedHosts(state)
    .filter((record) => wantsOrder(state, record, nowMs))
    .toSorted((one, other) => (one.acme?.notAfterMs ?? 0) - (other.acme?.notAfterMs ?? 0))
    .slice(0, Math.max(0, MAX_ORDERS_AT_ONCE - running))
    .map(({ host }, index) => ({
      type: "order.started" as const,
      host,
      id: state.nextOrder + index,
      deadlineAtMs: nowMs + ORDER_DEADLINE_MS,
    }));
}

function wantsOrder(state: CertificatesState, { host, acme, order, trouble, isAsked }: HostRecord, nowMs: number): boolean {
  if (order !== undefined || whyNotAcme(state, host) !== undefined) return false;
  if (isAsked) return true;
  return (acme === undefined || acme.isDue) && (trouble === undefined || trouble.nextAttemptAtMs <= nowMs);
}

/** Whether a certificate of our own must be made for a host, since nothing better serves it. */
export function needsLocal(state: CertificatesState, { host, isWanted, local }: HostRecord): boolean {
  return (
    isWanted &&
    uploadFor(state, host) === undefined &&
    choiceOf(state, host).source === "self-signed" &&
    (local === undefined || local.isDue)
  );
}
