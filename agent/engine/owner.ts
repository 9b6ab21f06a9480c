/** The part of the labels that says whose containers an engine shows: those of one agent. */
export interface EngineOwner {
  readonly tenant: string;
  readonly node: string;
}
