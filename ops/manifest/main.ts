import { manifestSchema } from "../../actors/manifest/extension-contract.ts";
import { supportPage } from "./support-matrix.ts";

/**
 * Prints what is generated from how manifests are read: the page of what is supported (`node ops/manifest/main.ts > spec/compose-support.md`), or with
 * `schema` the JSON schema of `x-odysseus` (`> spec/x-odysseus.schema.json`).
 */
process.stdout.write(process.argv[2] === "schema" ? `${JSON.stringify(manifestSchema(), undefined, 2)}\n` : supportPage());
