import { stackExtensionRule } from "./extension.ts";
import { type FieldTable, honoured, passedOver, refused, type Rule } from "./fields.ts";
import { volumesDefinitionRule } from "./volume-definitions.ts";
import { networksDefinitionRule } from "./network-definitions.ts";
import { fileDefinitionsRule } from "./file-definitions.ts";
import type { TopLevel } from "./draft.ts";

const unused = (what: string): Rule<unknown> =>
  passedOver(
    `${what} are not supported yet: nothing is made of what is written here, and services that use it are refused.`,
    "leave it out.",
  );

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
  networks: networksDefinitionRule,
  volumes: volumesDefinitionRule,
  secrets: fileDefinitionsRule("secrets"),
  configs: fileDefinitionsRule("configs"),
  models: unused("Models"),
  jobs: refused(
    "Jobs that run by a schedule are not supported yet.",
    "write a service of deploy.mode: replicated-job, which runs with each change of it.",
  ),
  "x-odysseus": stackExtensionRule,
};
