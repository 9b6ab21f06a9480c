import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifestSchema } from "../../../actors/manifest/extension-contract.ts";
import { supportedFields } from "../../../actors/manifest/support.ts";
import { supportPage } from "../../../ops/manifest/support-matrix.ts";

test("the page of what is supported of Compose is what the code does; npm run support-matrix prints it anew", () => {
  expect(readFileSync(join(import.meta.dirname, "../../compose-support.md"), "utf8")).toBe(supportPage());
});

test("the schema of x-odysseus is what the code reads; npm run manifest-schema prints it anew", () => {
  const written = JSON.parse(readFileSync(join(import.meta.dirname, "../../x-odysseus.schema.json"), "utf8")) as unknown;
  expect(written).toEqual(JSON.parse(JSON.stringify(manifestSchema())));
});

test("whatever is not simply honoured says why", () => {
  const silent = supportedFields().filter(({ support, note }) => support !== "honoured" && !note.endsWith("."));
  expect(silent).toEqual([]);
});
