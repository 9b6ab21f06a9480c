import { INSTALLATION } from "../../actors/host-name/commands.ts";

/** The tenant that has the nodes of the simulated world. */
export const TENANT = "acme";
/** It has none, and wants the same host names. */
export const RIVAL = "rival";
/** Everybody that has a file. */
export const OWNERS = [INSTALLATION, TENANT, RIVAL] as const;
export type Owner = (typeof OWNERS)[number];
