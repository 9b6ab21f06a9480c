import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string };

/** Version of the product: of control plane, agent and CLI alike. */
export const productVersion: string = manifest.version;
