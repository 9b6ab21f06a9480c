/** What a finding is about, for tables and machines. */
export type FindingCode =
  /** Not YAML, or not the shape a manifest has. */
  | "invalid"
  /** Too large, too deep, too many: a bound was reached. */
  | "too-much"
  | "unknown-field"
  /** A field of another product that builds on Compose. */
  | "foreign-field"
  | "unsupported"
  /** Done, but not exactly as Compose would. */
  | "differs"
  /** A variable is empty because nothing sets it. */
  | "unset-variable"
  /** `${NAME:?message}`, and nothing sets it. */
  | "required-variable"
  /** A file is missing, cannot be read or lies outside the project. */
  | "file"
  /** A service, or a file, refers to what is not there, or to itself. */
  | "reference"
  /** Two places say different things. */
  | "conflict";

/** What a reader of manifests has to say. Nothing in a manifest is passed over in silence. */
export interface Finding {
  /** An error: nothing may be done with this manifest. A warning: it is done, and this is how it differs from what Compose would do. */
  readonly severity: "error" | "warning";
  readonly code: FindingCode;
  /** As it was named by the person or by another file. */
  readonly file: string;
  /** `services.web.ports[0]`; empty for the file as a whole. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** One sentence: what is wrong or different, and why. */
  readonly message: string;
  /** What to write instead. */
  readonly instead?: string;
  /** That is not set; of an `unset-variable` alone. */
  readonly variable?: string;
}
