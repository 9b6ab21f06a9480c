/** A project as it would lie in a folder; `compose.yaml` is the manifest unless `manifests` names others. */
export interface OracleCase {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly manifests?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
}

/** A service `web` with these fields. */
export const one = (
  title: string,
  service: string,
  more: Omit<OracleCase, "title" | "files"> & { readonly files?: OracleCase["files"] } = {},
): OracleCase => ({
  ...more,
  title,
  files: { "compose.yaml": `services:\n  web:\n    image: shop/web:1\n${service.replaceAll(/^/gm, "    ")}\n`, ...more.files },
});
