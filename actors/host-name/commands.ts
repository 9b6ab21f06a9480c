import { addressOf } from "../../runtime/address.ts";

/** Where that lives which belongs to the installation and to no tenant: it has an id and a file of its own, as a tenant has, and no tenant is called so. */
export const INSTALLATION = "installation";
/** The one owner of all host names. */
export const HOST_NAMES = addressOf(INSTALLATION, "host-names");

/** To the owner of host names. Those of other processes cannot reach it: tenants hear of each other's names in its answers alone, and there nothing but `taken`. */
export type HostNamesCommand =
  /** A question, answered with `TakenHosts`; nothing is booked. */
  | { readonly kind: "look"; readonly tenant: string; readonly hosts: readonly string[] }
  /** Keeps the names free for a tenant for a while: all of them or, when one is taken, none. Answered with `TakenHosts`. */
  | { readonly kind: "reserve"; readonly tenant: string; readonly hosts: readonly string[] }
  /** All names that a tenant's routes have now, those it had and does not name are given back. Answered with a message, `HostsSettled`, that repeats the number. */
  | { readonly kind: "hold"; readonly tenant: string; readonly number: number; readonly hosts: readonly string[] }
  | { readonly kind: "wake" };

/** Those of the names asked for that another tenant has. Whose they are, and since when, is said to nobody. */
export interface TakenHosts {
  readonly taken: readonly string[];
}

/** To a tenant's ingress: how what it said under this number stands now. Names that are not taken are the tenant's. Told again when one becomes free. */
export interface HostsSettled extends TakenHosts {
  readonly kind: "hosts-settled";
  readonly number: number;
}
