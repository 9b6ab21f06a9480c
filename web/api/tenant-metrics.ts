/** Tenants are ids, and what would look like this within another label's value has its quotation marks escaped. */
const TENANT_LABEL = /[{,]tenant="([a-z0-9-]*)"/;

/** Of everything that is measured what one tenant may see: its own, and what is of the process and of no tenant. */
export function metricsFor(tenant: string, exposition: string): string {
  const lines = exposition.split("\n");
  return lines.filter((line) => line.startsWith("#") || (TENANT_LABEL.exec(line)?.[1] ?? tenant) === tenant).join("\n");
}
