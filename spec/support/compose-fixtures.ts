import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { CANNOT_RUN } from "./capability.ts";

const fixtures = process.env.ODYSSEUS_FIXTURES ?? join(import.meta.dirname, "../../../shared/fixtures");

/** Compose files of other projects, and the specification's schema: not part of this repository. */
export const composeFixtures = join(fixtures, "compose");
export const hasComposeFixtures = existsSync(composeFixtures);

/** A suite over those files; where they are absent it is skipped, with CI=true too, since a clone does not have them. */
export function describeComposeFixtures(title: string, body: () => void): void {
  if (hasComposeFixtures)
    describe(title, () => {
      body();
    });
  else
    test(title, (context) => {
      context.skip(`${CANNOT_RUN}needs the Compose files of other projects: ODYSSEUS_FIXTURES names their folder`);
    });
}
