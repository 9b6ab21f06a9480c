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
      if (services.some((service) => service.name === alias || isCalled(service, alias, name, own))) {
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

function isCalled({ name, draft }: Named, alias: string, meant: string, networks: ReadonlySet<string>): boolean {
  return name !== meant && (draft.spec.networks ?? []).some((network) => networks.has(network.name) && network.aliases?.includes(alias));
}
