import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** One word for how the sources in these directories stand: another one as soon as a file came, went, or was written. Nothing is read but names, sizes and times. */
export function sourceState(directories: readonly string[]): string {
  const hash = createHash("sha256");
  for (const directory of directories) {
    for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted()) {
      if (!name.endsWith(".ts")) continue;
      const { size, mtimeMs } = statSync(join(directory, name));
      hash.update(`${directory}/${name} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest("hex").slice(0, 16);
}
