import type { CertificatesEvent, CertificatesState, HostRecord, OrderStep, Trouble, Upload } from "./state.ts";
import { hostOf } from "./state.ts";
import { FAILURE_WINDOW_MS } from "./timing.ts";

/** After these an ingress node has something else to serve. */
const SUPPLY_EVENTS: ReadonlySet<CertificatesEvent["type"]> = new Set([
  "hosts.wanted",
  "certificate.uploaded",
  "certificate.removed",
  "local-certificate.made",
  "challenge.offered",
  "certificate.issued",
  "order.failed",
  "order.cancelled",
  "certificate.expired",
]);

export function evolve(before: CertificatesState, event: CertificatesEvent, atMs: number): CertificatesState {
  const state: CertificatesState = SUPPLY_EVENTS.has(event.type) ? { ...before, version: before.version + 1 } : before;
  switch (event.type) {
    case "hosts.wanted":
      return { ...state, hosts: wanted(state, new Set(event.hosts)) };
    case "acme.configured":
      return {
        ...state,
        acme: { settings: event.settings, agreedAtMs: atMs, agreedBy: event.agreedBy },
        hosts: state.acme?.settings.directoryUrl === event.settings.directoryUrl ? withoutTrouble(state) : anew(state),
      };
    case "acme.switched-off":
      return { ...state, acme: undefined };
    case "certificate.uploaded":
      return {
        ...state,
        nextUpload: state.nextUpload + 1,
        uploads: { ...state.uploads, [event.name]: { ...event.certificate, name: event.name, uploadedAtMs: atMs, alarm: "none" } },
      };
    case "certificate.removed": {
      const { [event.name]: _, ...uploads } = state.uploads;
      return { ...state, uploads };
    }
    case "authority.made":
      return { ...state, authority: { certificate: event.certificate, key: event.key } };
    case "local-certificate.made":
      return changed(state, event.host, { local: event.certificate });
    case "certificate.due":
      return event.hosts.reduce((next, host) => changed(next, host, dueOf(hostOf(next, host), atMs)), state);
    case "account.key-made":
      return { ...state, account: { directoryUrl: event.directoryUrl, key: event.key, url: undefined } };
    case "account.registered":
      return state.account === undefined ? state : { ...state, account: { ...state.account, url: event.url } };
    case "account.forgotten":
      return {
        ...state,
        account: state.account === undefined ? undefined : { ...state.account, url: undefined },
        hosts: ordersFromTheStart(state),
      };
    case "order.asked":
      return changed(state, event.host, { isAsked: true });
    case "order.started": {
      const { id, deadlineAtMs } = event;
      const order = { id, startedAtMs: atMs, deadlineAtMs, at: { step: "placing" } } as const;
      return { ...changed(state, event.host, { order, isAsked: false }), nextOrder: id + 1 };
    }
    case "challenge.offered":
      return moved(state, event.host, { step: "publishing", url: event.url, challenge: event.challenge, version: state.version });
    case "challenge.told": {
      const at = hostOf(state, event.host).order?.at;
      return at?.step === "publishing" ? moved(state, event.host, { ...at, step: "validating" }) : state;
    }
    case "order.authorized":
      return moved(state, event.host, { step: "making-key", url: event.url });
    case "certificate.key-made": {
      const at = hostOf(state, event.host).order?.at;
      return at?.step === "making-key" ? moved(state, event.host, { step: "issuing", url: at.url, key: event.key }) : state;
    }
    case "certificate.issued":
      return changed(state, event.host, {
        acme: event.certificate,
        local: undefined,
        order: undefined,
        trouble: undefined,
        alarm: "none",
      });
    case "order.failed":
      return changed(state, event.host, { order: undefined, trouble: troubleOf(hostOf(state, event.host), event, atMs) });
    case "order.cancelled":
      return changed(state, event.host, { order: undefined, isAsked: false });
    case "certificate.expiring":
    case "certificate.expired":
      return alarmed(state, event.name, event.type === "certificate.expired" ? "expired" : "expiring");
    case "certificate.forgotten": {
      const { [event.host]: _, ...hosts } = state.hosts;
      return { ...state, hosts };
    }
  }
}

function wanted(state: CertificatesState, names: ReadonlySet<string>): CertificatesState["hosts"] {
  const known = Object.values(state.hosts).map((record) => {
    const isWanted = names.has(record.host);
    return record.isWanted === isWanted ? record : { ...record, isWanted };
  });
  const added = [...names].filter((host) => !(host in state.hosts)).map((host) => ({ ...hostOf(state, host), isWanted: true }));
  return Object.fromEntries([...known, ...added].map((record) => [record.host, record]));
}

/** What was said to other settings may not hold for these. */
function withoutTrouble(state: CertificatesState): CertificatesState["hosts"] {
  return Object.fromEntries(Object.values(state.hosts).map((record) => [record.host, { ...record, trouble: undefined }]));
}

/** Another authority: what the last one has under way is left, and what it issued is replaced. */
function anew(state: CertificatesState): CertificatesState["hosts"] {
  const renewed = Object.values(withoutTrouble(state)).map((record) => ({
    ...record,
    order: undefined,
    acme: record.acme === undefined ? undefined : { ...record.acme, isDue: true },
  }));
  return Object.fromEntries(renewed.map((record) => [record.host, record]));
}

/** Orders belong to the account that placed them. */
function ordersFromTheStart(state: CertificatesState): CertificatesState["hosts"] {
  const restarted = Object.values(state.hosts).map((record) =>
    record.order === undefined ? record : { ...record, order: { ...record.order, at: { step: "placing" } as const } },
  );
  return Object.fromEntries(restarted.map((record) => [record.host, record]));
}

function dueOf({ local, acme }: HostRecord, atMs: number): Partial<HostRecord> {
  return {
    local: local === undefined ? undefined : { ...local, isDue: local.isDue || local.renewAtMs <= atMs },
    acme: acme === undefined ? undefined : { ...acme, isDue: acme.isDue || acme.renewAtMs <= atMs },
  };
}

function troubleOf(
  { trouble }: HostRecord,
  { kind, message, nextAttemptAtMs }: Extract<CertificatesEvent, { type: "order.failed" }>,
  atMs: number,
): Trouble {
  const recent = trouble?.refusedAtMs.filter((at) => at > atMs - FAILURE_WINDOW_MS) ?? [];
  return {
    atMs,
    kind,
    message,
    nextAttemptAtMs,
    failures: (trouble?.failures ?? 0) + 1,
    refusedAtMs: kind === "refused" ? [...recent, atMs] : recent,
  };
}

function changed(state: CertificatesState, host: string, change: Partial<HostRecord>): CertificatesState {
  return { ...state, hosts: { ...state.hosts, [host]: { ...hostOf(state, host), ...change } } };
}

function moved(state: CertificatesState, host: string, at: OrderStep): CertificatesState {
  const { order } = hostOf(state, host);
  return order === undefined ? state : changed(state, host, { order: { ...order, at } });
}

function alarmed(state: CertificatesState, name: string, alarm: Upload["alarm"]): CertificatesState {
  const upload = state.uploads[name];
  return upload === undefined ? changed(state, name, { alarm }) : { ...state, uploads: { ...state.uploads, [name]: { ...upload, alarm } } };
}
