import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { type Manifest, readProject } from "../../../actors/manifest/read-compose.ts";
import { writeCompose } from "../../../actors/manifest/write-compose.ts";
import { folderFiles } from "../../../ops/cli/manifest-folder.ts";
import { requireCapability } from "../../support/capability.ts";
import { composeFixtures, describeComposeFixtures } from "../../support/compose-fixtures.ts";
import { ComposeOracle, type OracleAnswer } from "../../support/compose-oracle.ts";
import type { OracleCase } from "./oracle-case.ts";
import { oracleCases, takenByOne } from "./oracle-cases.ts";
import { type Difference, differencesOf, fieldOf } from "./oracle-differences.ts";

/** What both make of a project, and where that differs: what is read here is written as a Compose file, and that one is read by Compose's library again. */
interface Compared {
  readonly compose: "taken" | "refused";
  readonly here: "taken" | "refused";
  readonly differences: readonly Difference[];
}

/** Fields of another product, under names that Compose passes over. */
const FOREIGN_FIELDS = /^(\s*(?:- )?)(exclude_from_hc|is_directory|isDirectory):/gm;
const TABLE_TIMEOUT_MS = 120_000;

const describeWithOracle = await requireCapability("composeOracle");

describeWithOracle("a Compose file that Compose's own library takes, too", () => {
  const folder = mkdtempSync(join(tmpdir(), "odysseus-oracle-"));
  let oracle: ComposeOracle;
  beforeAll(async () => {
    oracle = await ComposeOracle.start();
  });
  afterAll(() => {
    oracle.stop();
    rmSync(folder, { recursive: true });
  });

  test.each(oracleCases.map((item) => [item.title, item] as const))("means the same: %s", async (title, item) => {
    const { compose, here, differences } = await compared(item);
    const taken = compose === here ? undefined : compose === "taken" ? "compose" : "here";
    expect(taken).toBe(takenByOne[title]?.who);
    expect(differences.filter(({ reason }) => reason === undefined)).toEqual([]);
  });

  describeComposeFixtures("of other projects", () => {
    test(
      "means the same but for the differences of the table, each with its reason",
      async () => {
        const found = new Map<string, { times: number; readonly files: Set<string> }>();
        const outcomes: Record<string, number> = {};
        for (const file of ["templates", "stacks"].flatMap((name) =>
          readdirSync(join(composeFixtures, name)).map((item) => join(name, item)),
        )) {
          const text = readFileSync(join(composeFixtures, file), "utf8").replaceAll(FOREIGN_FIELDS, "$1x-$2:");
          const { compose, here, differences } = await compared({ title: file, files: { "compose.yaml": text } }, true);
          const outcome = compose === here ? `${here} by both` : `taken ${compose === "taken" ? "by Compose" : "here"} alone`;
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          expect(differences.filter(({ reason }) => reason === undefined).map((difference) => ({ file, ...difference }))).toEqual([]);
          for (const { path, reason } of differences) {
            const row = `| ${fieldOf(path)} | ${reason} |`;
            const known = found.get(row) ?? { times: 0, files: new Set() };
            found.set(row, { times: known.times + 1, files: known.files.add(file) });
          }
        }
        const rows = [...found]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([row, { times, files }]) => `${row} ${times} | ${files.size} |`);
        const counts = Object.entries(outcomes).map(([outcome, count]) => `| ${outcome} | ${count} |`);
        const table = [
          "| files | |",
          "|---|---|",
          ...counts,
          "",
          "| field | why it differs | times | files |",
          "|---|---|---|---|",
          ...rows,
          "",
        ];
        await expect(table.join("\n")).toMatchFileSnapshot("others-differences.md");
      },
      TABLE_TIMEOUT_MS,
    );
  });

  async function compared(item: OracleCase, isUnchecked = false): Promise<Compared> {
    const directory = join(mkdtempSync(join(folder, "case-")), "project");
    for (const [file, text] of Object.entries(item.files)) write(directory, file, text);
    const { manifests = ["compose.yaml"], environment = {}, profiles = [] } = item;
    const asked = await oracle.ask({ directory, files: manifests, environment, profiles, isUnchecked });
    const read = readHere(item, directory);
    const compose = "model" in asked ? "taken" : "refused";
    const here = read.findings.some(({ severity }) => severity === "error") ? "refused" : "taken";
    if (!("model" in asked) || here === "refused" || read.services.length === 0) return { compose, here, differences: [] };
    write(directory, "written.yaml", written(read));
    return {
      compose,
      here,
      differences: differencesOf(asked.model, modelOf(await oracle.ask({ directory, files: ["written.yaml"] })), directory),
    };
  }
});

function readHere({ files, manifests = ["compose.yaml"], environment = {}, profiles = [] }: OracleCase, directory: string): Manifest {
  const named = (file: string): { readonly file: string; readonly text: string } => ({ file, text: files[file] ?? "" });
  return readProject({
    manifests: manifests.map(named),
    folderName: "project",
    environment,
    profiles,
    envFiles: files[".env"] === undefined ? [] : [named(".env")],
    files: folderFiles(directory),
  });
}

/** Contents are sealed before anything is written. */
function written({ name, onFailure = "rollback", services }: Manifest): string {
  const sealed = services.map(({ name: service, spec: { files, ...spec }, after }) => ({
    service,
    after,
    spec: DeploymentSpec.parse({ ...spec, ...(files && { files: files.map(({ value: _value, ...file }) => file) }) }),
  }));
  return writeCompose({ name, onFailure, services: sealed });
}

function modelOf(answer: OracleAnswer): Readonly<Record<string, unknown>> {
  if ("error" in answer) throw new Error(`What is written is refused by Compose: ${answer.error}`);
  return answer.model;
}

function write(directory: string, file: string, text: string): void {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
}
