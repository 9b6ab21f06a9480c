import { DeploymentName } from "../deployment/contract.ts";
import type { Place, Reading } from "./reading.ts";

/** Compose allows more in a name than a deployment does: what is not allowed becomes a hyphen, unless two services would then share a name. */
export class DeploymentNames {
  readonly #taken: Set<string>;

  constructor(services: Iterable<string>) {
    this.#taken = new Set(services);
  }

  of(reading: Reading, service: string, place: Place): string {
    if (DeploymentName.safeParse(service).success) return service;
    const name = service
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-")
      .replace(/^-+/, "");
    if (!DeploymentName.safeParse(name).success) {
      reading.refuse(place, `"${service}" cannot be the name of a deployment: at most 48 of a-z, 0-9 and -, and the first is no -.`);
    } else if (this.#taken.has(name)) {
      reading.findings.error(
        "conflict",
        place,
        `"${service}" would become the deployment ${name}, which is there already.`,
        "give it another name.",
      );
    } else {
      reading.differs(place, `"${service}" becomes the deployment ${name}: names are of a-z, 0-9 and -.`, `write ${name}.`);
    }
    this.#taken.add(name);
    return name;
  }
}
