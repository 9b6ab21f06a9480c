import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { constants } from "node:zlib";
import { image, type Image, layer, type Layer } from "./image.ts";
import type { TarEntry } from "./tar.ts";

const APP = new URL("test-app.ts", import.meta.url);
const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;
let runtime: Layer | undefined;

/** `odysseus-test/app:VERSION`: the server of `test-app.ts` on this machine's own Node.js. Made when it is asked for, because it holds 120 MB. */
export function appImage(version: string): Image {
  runtime ??= nodeLayer();
  return image({
    name: "odysseus-test/app",
    tag: version,
    architecture: ARCHITECTURE,
    layers: [runtime, layer([{ kind: "file", path: "app.mts", content: readFileSync(APP), mode: 0o644 }])],
    command: ["/bin/node", "/app.mts"],
    env: { VERSION: version },
    exposedPorts: [8080, 9000],
  });
}

/** The program and the shared libraries that the loader would take on this machine, at their own paths. */
function nodeLayer(): Layer {
  const linked = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
  const libraries = [...new Set([...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? ""))];
  const directories = [...new Set(["/bin/node", "/tmp/x", ...libraries].flatMap(ancestors))].sort();
  const file = (path: string, from: string): TarEntry => ({ kind: "file", path: path.slice(1), content: readFileSync(from), mode: 0o755 });
  return layer(
    [
      ...directories.map((path): TarEntry => ({ kind: "directory", path: `${path.slice(1)}/`, mode: 0o755 })),
      file("/bin/node", process.execPath),
      ...libraries.map((path) => file(path, path)),
    ],
    // Packing it tighter would cost more than the wire it travels over.
    constants.Z_BEST_SPEED,
  );
}

function ancestors(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === "/" ? [] : [...ancestors(parent), parent];
}
