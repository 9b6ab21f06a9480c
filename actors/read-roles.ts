import type { Role } from "./catalogue.ts";

/** Everybody who may sign in may look. */
export const READERS: readonly Role[] = ["admin", "operator", "developer", "read-only"];
/** The audit tells who did what: not for everybody. */
export const AUDITORS: readonly Role[] = ["admin", "operator"];
