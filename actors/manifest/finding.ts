/** What a reader of manifests has to say. Nothing in a manifest is passed over in silence. */
export interface Finding {
  /** An error: nothing may be done with this manifest. A warning: it is done, and this is how it differs from what Compose would do. */
  readonly severity: "error" | "warning";
  /** `services.web.ports[0]`; empty for the manifest as a whole. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** One sentence: what is wrong or different, and why. */
  readonly message: string;
  /** What to write instead. */
  readonly instead?: string;
}
