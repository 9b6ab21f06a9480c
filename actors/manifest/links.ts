import type { Draft } from "./draft.ts";
import { different, type Rule } from "./fields.ts";
import type { Named } from "./order.ts";
import type { Reading } from "./reading.ts";

/** `links` of a service: it waits for the other one, which is found by its name anyway, and is restarted with it, as Compose has it. */
export const linksRule: Rule<Draft> = different(
  "The other service is found by its own name; another name for it is one for all who are on a network with it.",
  (reading, place, draft) => {
    for (const at of reading.items(place)) {
      const [name = "", alias = name] = (reading.text(at) ?? "").split(":");
      draft.dependencies.push({ name, required: true, restart: true, condition: "started", at });
      draft.links.push({ name, alias, at });
    }
  },
);

/** Names that links give. Call once all services were read: each is one more name of the other service, on the networks that both are on. */
export function giveLinkNames(reading: Reading, services: readonly Named[]): void {
  const byName = new Map(services.map((service) => [service.name, service.draft]));
  const names = new NamesOnNetworks(services);
  for (const { draft } of services) {
    const own = new Set(draft.spec.networks?.map(({ name }) => name));
    for (const { name, alias, at } of draft.links) {
      const other = byName.get(name);
      if (other === undefined) continue;
      if (other.spec.networks?.some((network) => own.has(network.name)) !== true) {
        reading.differs(at, `${name} is on no network with this service, which does not find it by name.`, "put both on one network.");
        continue;
      }
      if (alias === name) continue;
      if ([...own].some((network) => !names.take(network, alias, name))) {
        reading.findings.error(
          "conflict",
          at,
          `Another service than ${name} has the name ${alias} on this network.`,
          "give it another name.",
        );
        continue;
      }
      other.spec.networks = other.spec.networks?.map((network) =>
        own.has(network.name) ? { ...network, aliases: [...new Set([...(network.aliases ?? []), alias])] } : network,
      );
      reading.differs(
        at,
        `${alias} becomes a name of ${name} for all on their network; Compose would give it to this service alone.`,
        `write aliases: [${alias}] on the network of ${name}.`,
      );
    }
  }
}

/** Who has which name where; a project may have thousands of services. */
class NamesOnNetworks {
  readonly #owners = new Map<string, string>();

  constructor(services: readonly Named[]) {
    for (const { name, draft } of services)
      for (const network of draft.spec.networks ?? [])
        for (const alias of network.aliases ?? []) this.#owners.set(`${network.name} ${alias}`, name);
  }

  /** False: another service has it already. */
  take(network: string, alias: string, service: string): boolean {
    const owner = this.#owners.get(`${network} ${alias}`);
    if (owner === undefined) this.#owners.set(`${network} ${alias}`, service);
    return owner === undefined || owner === service;
  }
}
