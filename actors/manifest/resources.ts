import type { DeploymentSpecInput } from "../deployment/contract.ts";

/** What a project has beside its services, by the name its manifests use for it. Filled while the top level is read, before the services. */
export class Resources {
  readonly volumes = new Map<string, VolumeDefinition>();
  readonly networks = new Map<string, NetworkDefinition>();
  readonly configs = new Map<string, FileDefinition>();
  readonly secrets = new Map<string, FileDefinition>();
  /** Folders beside the manifest that have been read, by their path. */
  readonly folders = new Set<string>();
}

export type NetworkDefinition = NonNullable<DeploymentSpecInput["networks"]>[number];

export interface VolumeDefinition {
  /** Among all of the tenant's; of one that is there already, the engine's own. */
  readonly name: string;
  readonly external: boolean;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The folder beside the manifest that it stands for. */
  readonly inPlaceOf?: string;
}

export interface FileDefinition {
  /** Among all of the tenant's. */
  readonly name: string;
  /** It is stored already. */
  readonly external: boolean;
  /** In base64, read when it is first asked for; undefined: it is stored already, or a finding says why it cannot be had. */
  readonly value: () => string | undefined;
}
