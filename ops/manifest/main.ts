import { supportPage } from "./support-matrix.ts";

/** Prints the page of what is supported of Compose: `node ops/manifest/main.ts > spec/compose-support.md`. */
process.stdout.write(supportPage());
