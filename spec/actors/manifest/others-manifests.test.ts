import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Finding } from "../../../actors/manifest/finding.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { composeFixtures, describeComposeFixtures } from "../../support/compose-fixtures.ts";

/** Compose files that nobody here wrote: what becomes of each, and how many findings of each code it has. */
describeComposeFixtures("Compose files of other projects", () => {
  const files = ["templates", "stacks"].flatMap((folder) => readdirSync(join(composeFixtures, folder)).map((name) => join(folder, name)));
  const read = (file: string): ReturnType<typeof readProject> =>
    readProject({ manifests: [{ file, text: readFileSync(join(composeFixtures, file), "utf8") }] });

  test("each end in deployments or in a refusal with its reasons, as the table says", async () => {
    const rows = files.map((file) => {
      const { services, findings } = read(file);
      return `| ${file} | ${services.length > 0 ? `${services.length} deployments` : "refused"} | ${counts(findings)} |`;
    });
    const table = ["| file | outcome | findings |", "|---|---|---|", ...rows, ""].join("\n");
    await expect(table).toMatchFileSnapshot("others-manifests.md");
  });

  test("are never refused without a reason that names file, line, field and cause", () => {
    for (const file of files) {
      const { services, findings } = read(file);
      const errors = findings.filter(({ severity }) => severity === "error");
      expect({ file, isRead: services.length > 0 }).toEqual({ file, isRead: errors.length === 0 });
      for (const finding of findings) {
        expect(finding).toMatchObject({ file, line: expect.any(Number), message: expect.stringMatching(/\.$/) });
        const named = lastNameOf(finding);
        expect({ ...finding, text: lineOf(file, finding.line) }).toMatchObject({
          path: expect.stringMatching(/./),
          text: expect.stringContaining(named),
        });
      }
    }
  });

  test("have no error but of what is not supported, what Compose refuses too, files that are not in the collection", () => {
    const errors = files.flatMap((file) => read(file).findings.filter(({ severity }) => severity === "error"));
    const others = errors.filter(({ code }) => !["unsupported", "conflict", "reference", "required-variable", "file"].includes(code));
    expect(others.map(({ file, path, message }) => `${file} ${path}: ${message}`)).toMatchInlineSnapshot(`
      [
        "templates/forgejo-with-runner.yaml services.docker-in-docker.environment: Expected a mapping of names to values.",
      ]
    `);
  });

  function lineOf(file: string, line: number): string {
    return readFileSync(join(composeFixtures, file), "utf8").split("\n")[line - 1] ?? "";
  }
});

/** The field a finding is about stands in the line it names; an item of a list is there without a name. */
function lastNameOf({ path }: Finding): string {
  const last = /([^.[\]]+)$/.exec(path)?.[1];
  return path.endsWith("]") || last === undefined ? "" : last;
}

function counts(findings: readonly Finding[]): string {
  const groups = Object.groupBy(findings, ({ severity, code }) => (severity === "error" ? code : `(${code})`));
  return Object.entries(groups)
    .map(([code, items]) => `${code} ${items?.length ?? 0}`)
    .toSorted()
    .join(", ");
}
