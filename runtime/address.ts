/**
 * Where a message goes: `acme` (a tenant), `acme/scheduler`, `acme/deployment/web`. Subjects on the bus are derived from it.
 * Ids match `[a-z0-9][a-z0-9-]{0,62}`, so an address is safe in a subject, a file name, a container name and a URL.
 */
declare const addressBrand: unique symbol;
export type Address = string & { readonly [addressBrand]: true };

export interface AddressParts {
  readonly tenant: string;
  /** Kind of actor; `tenant` for the tenant itself. */
  readonly kind: string;
  /** Empty for the actors of which a tenant has exactly one. */
  readonly name: string;
}

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const SUBJECT_ROOT = "ody";

export function isId(text: string): boolean {
  return ID.test(text);
}

/** Throws on an id that is not one: user input is checked with `isId` at the edge, before an address is made of it. */
export function addressOf(tenant: string, kind?: string, name?: string): Address {
  const segments = [tenant, kind, name].filter((segment) => segment !== undefined);
  for (const segment of segments) {
    if (!isId(segment)) throw new Error(`not an id: "${segment}" (an id matches ${ID.source})`);
  }
  return segments.join("/") as Address;
}

export function partsOf(address: Address): AddressParts {
  const [tenant = "", kind = "tenant", name = ""] = address.split("/");
  return { tenant, kind, name };
}

/** `acme/deployment/web` is subject `ody.acme.deployment.web`. */
export function subjectOf(address: Address): string {
  return `${SUBJECT_ROOT}.${address.replaceAll("/", ".")}`;
}

/** The inverse of `subjectOf`; undefined for a subject that names no actor. */
export function addressOfSubject(subject: string): Address | undefined {
  const [root, ...segments] = subject.split(".");
  if (root !== SUBJECT_ROOT || segments.length === 0 || segments.length > 3 || !segments.every(isId)) return undefined;
  return segments.join("/") as Address;
}
