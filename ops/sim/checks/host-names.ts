import { HostNameBook } from "../../../actors/host-name/claims.ts";
import { evolve as evolveHostNames, noHostNames, type HostNamesEvent, type HostNamesState } from "../../../actors/host-name/state.ts";
import { evolve as evolveIngress, noIngress, type IngressEvent, type IngressState } from "../../../actors/ingress/state.ts";
import { standingOf } from "../../../actors/ingress/hosts.ts";
import { trafficOf } from "../../../actors/ingress/table.ts";
import { partsOf } from "../../../runtime/address.ts";
import type { Commit } from "../../../runtime/journal.ts";
import type { Report } from "../violation.ts";

/** What is written of host names in all files: which tenant has which, and what their ingresses make of it. */
export class HostNamesTruth {
  readonly #report: Report;
  readonly #ingresses = new Map<string, IngressState>();
  #owner: HostNamesState = noHostNames;

  constructor(report: Report) {
    this.#report = report;
  }

  written({ stream, events, atMs }: Commit): void {
    const { tenant, kind } = partsOf(stream);
    if (kind === "host-names") for (const { data } of events) this.#owner = evolveHostNames(this.#owner, data as HostNamesEvent, atMs);
    if (kind !== "ingress") return;
    const before = this.#ingresses.get(tenant) ?? noIngress;
    this.#ingresses.set(
      tenant,
      events.reduce((state, { data }) => evolveIngress(state, data as IngressEvent, atMs), before),
    );
    if (events.length > 0) this.#oneAnswers();
  }

  /** At rest a name is held by whoever publishes it, each tenant knows how it stands, and nothing else is kept from anybody. */
  differences(): readonly string[] {
    const { claims } = this.#owner;
    const book = new HostNameBook(claims);
    const asked = [...this.#ingresses].flatMap(([tenant, { hosts }]) => hosts.asked.map((host) => ({ tenant, host, hosts })));
    const wrong = asked.filter(({ tenant, host, hosts }) => {
      const isHeld = claims.some((claim) => claim.tenant === tenant && claim.host === host && claim.expiresAtMs === undefined);
      return !isHeld || standingOf(hosts, host) !== (book.isTaken(tenant, host) ? "taken" : "granted");
    });
    const kept = claims.filter((claim) => !asked.some(({ tenant, host }) => claim.tenant === tenant && claim.host === host));
    return [
      ...wrong.map(({ tenant, host }) => `${host} does not stand for ${tenant} as the owner of host names has it`),
      ...kept.map(({ tenant, host }) => `${host} is kept for ${tenant}, which does not publish it`),
    ];
  }

  /** Two claims on what one request can ask for, one of which would have been refused to the other. */
  #oneAnswers(): void {
    const answering = [...this.#ingresses].flatMap(([tenant, state]) =>
      [...new Set(trafficOf(state).routes.map(({ host }) => host))].map((host) => ({ tenant, host, expiresAtMs: undefined })),
    );
    const book = new HostNameBook(answering);
    for (const { tenant, host } of answering)
      if (book.isTaken(tenant, host)) this.#report("a host name answers for one tenant", `${host} answers for ${tenant} and for another`);
  }
}
