import { DeploymentName } from "../deployment/contract.ts";
import { StackName } from "../stack/contract.ts";
import type { Findings, Spot } from "./findings.ts";
import type { Place, Reading } from "./reading.ts";

/** Compose allows more in a name than a service of a stack may have: what is not allowed becomes a hyphen, unless two services would then share a name. */
export class ServiceNames {
  readonly #taken: Set<string>;

  constructor(services: Iterable<string>) {
    this.#taken = new Set(services);
  }

  of(reading: Reading, service: string, place: Place): string {
    if (DeploymentName.safeParse(service).success) return service;
    const name = hyphenated(service);
    if (!DeploymentName.safeParse(name).success) {
      reading.refuse(
        place,
        `"${service}" cannot be the name of a deployment: at most 48 of a-z, 0-9 and -, and the first is no -.`,
        "give the service another name.",
      );
    } else if (this.#taken.has(name)) {
      reading.findings.error("conflict", place, `"${service}" would become ${name}, which is there already.`, "give it another name.");
    } else {
      reading.differs(place, `"${service}" becomes ${name}: names are of a-z, 0-9 and -.`, `write ${name}.`);
    }
    this.#taken.add(name);
    return name;
  }
}

/** What the person or the manifest calls the project is its stack's name; a folder's name is made one. */
export function stackName(given: string | undefined, folder: string, findings: Findings, spot: Spot): string {
  const wanted = given === undefined || given === "" ? folder : given;
  const name = hyphenated(wanted).replace(/-+$/, "");
  if (StackName.safeParse(name).success) return name;
  findings.error(
    "invalid",
    spot,
    `"${wanted}" cannot be the name of a stack: at most 48 of a-z, 0-9 and -, and the first is no -.`,
    "name the stack with --project-name, or with name: in the manifest.",
  );
  return name;
}

function hyphenated(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .replace(/^-+/, "");
}
