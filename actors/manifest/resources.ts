/** What a project has beside its services, by the name its manifests use for it. Filled while the top level is read, before the services. */
export class Resources {
  readonly volumes = new Map<string, VolumeDefinition>();
}

export interface VolumeDefinition {
  /** Among all of the tenant's; of one that is there already, the engine's own. */
  readonly name: string;
  readonly external: boolean;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}
