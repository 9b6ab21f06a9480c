import { stackExtensionRule } from "./extension.ts";
import { different, type FieldTable, honoured, passedOver, type Rule } from "./fields.ts";
import { volumesDefinitionRule } from "./volume-definitions.ts";
import { fileDefinitionsRule } from "./file-definitions.ts";
import type { Place, Reading } from "./reading.ts";

const unused = (what: string): Rule<unknown> =>
  passedOver(
    `${what} are not supported yet: nothing is made of what is written here, and services that use it are refused.`,
    "leave it out.",
  );

export interface TopLevel {
  onFailure?: "rollback" | "pause" | undefined;
  name?: Place;
  services?: Place;
}

/** Every field a manifest may have. */
export const topLevelFields: FieldTable<TopLevel> = {
  version: passedOver("The version is of no importance any more.", "leave it out."),
  name: honoured((_reading, at, into) => {
    into.name = at;
  }),
  include: honoured(() => undefined),
  services: honoured((_reading, at, into) => {
    into.services = at;
  }),
  networks: {
    ...different("Networks are not supported yet: nothing is made of them, and services that use one are refused.", readNetworks),
    mayBeEmpty: true,
  },
  volumes: volumesDefinitionRule,
  secrets: fileDefinitionsRule("secrets"),
  configs: fileDefinitionsRule("configs"),
  models: unused("Models"),
  "x-odysseus": stackExtensionRule,
};

/** Every service is on the network `default`: settings of that one would change what runs. */
function readNetworks(reading: Reading, at: Place): void {
  if (reading.isNull(at)) return;
  const fields = reading.fields(at);
  for (const [name, place] of fields) {
    if (name === "default" && !reading.isNull(place))
      reading.refuse(place, "Networks are not supported yet, and every service would be on this one.", "leave it out.");
  }
  if ([...fields.keys()].some((name) => name !== "default"))
    reading.differs(
      at,
      "Networks are not supported yet: nothing is made of what is written here, and services that use it are refused.",
      "leave it out.",
    );
}
