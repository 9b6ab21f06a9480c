/** The one tenant of the simulated world. */
export const TENANT = "acme";
