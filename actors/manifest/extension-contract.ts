import { z } from "zod";
import { DeploymentSpec } from "../deployment/contract.ts";
import { OnFailure } from "../stack/contract.ts";

/** Where the fields of Compose itself are described; editors fetch it. */
const COMPOSE_SCHEMA = "https://raw.githubusercontent.com/compose-spec/compose-spec/main/schema/compose-spec.json";

/**
 * `x-odysseus` of a service: what Compose has no field for, in the words of a deployment. A field given here takes the place of what Compose says;
 * of `rollout` and `resources`, each field within. What is not given stays as Compose has it.
 */
export const ServiceExtension = z.strictObject(DeploymentSpec.omit({ image: true }).shape).partial();
export type ServiceExtension = z.input<typeof ServiceExtension>;

/** `x-odysseus` of the manifest: about the stack as a whole. */
export const StackExtension = z.strictObject({ onFailure: OnFailure }).partial();

/** A JSON schema of Compose files with what is ours in them, for editors. */
export function manifestSchema(): object {
  const { $schema: dialect, ...service } = z.toJSONSchema(ServiceExtension, { io: "input", unrepresentable: "any" });
  const { $schema: _dialect, ...stack } = z.toJSONSchema(StackExtension, { io: "input", unrepresentable: "any" });
  return {
    $schema: dialect,
    title: "Compose file with x-odysseus",
    description: "Begin a manifest with: # yaml-language-server: $schema=THE ADDRESS OF THIS FILE",
    allOf: [{ $ref: COMPOSE_SCHEMA }],
    type: "object",
    properties: {
      "x-odysseus": { description: "About the stack as a whole.", ...stack },
      services: {
        type: "object",
        additionalProperties: {
          type: "object",
          properties: {
            "x-odysseus": { description: "What Compose has no field for. A field given here takes the place of Compose's.", ...service },
          },
        },
      },
    },
  };
}
