import { createHash } from "node:crypto";
import { constants, gzipSync } from "node:zlib";
import { tar, type TarEntry } from "./tar.ts";

export interface Layer {
  readonly tar: Buffer;
  readonly gzip: Buffer;
  /** The digest of the bare tar, which the configuration names. */
  readonly diffId: string;
  /** The digest of the compressed form, which a manifest names. */
  readonly digest: string;
}

/** A container image as bytes: made here, without an engine, the same bytes each time. */
export interface Image {
  /** Without a registry, e.g. `odysseus-test/bb`. */
  readonly name: string;
  readonly tag: string;
  /** As in the image configuration: `amd64`, `arm64`, `s390x`. */
  readonly architecture: string;
  readonly config: Buffer;
  readonly layers: readonly Layer[];
}

export interface ImageOptions {
  readonly name: string;
  readonly tag: string;
  readonly architecture: string;
  readonly layers: readonly Layer[];
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly exposedPorts?: readonly number[];
}

export const sha256 = (content: Buffer): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** `level` as in zlib: how hard to pack. */
export function layer(entries: readonly TarEntry[], level: number = constants.Z_DEFAULT_COMPRESSION): Layer {
  const bare = tar(entries);
  const gzip = gzipSync(bare, { level });
  return { tar: bare, gzip, diffId: sha256(bare), digest: sha256(gzip) };
}

export function image(options: ImageOptions): Image {
  const env = { PATH: "/bin", ...options.env };
  const config = {
    architecture: options.architecture,
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config: {
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Cmd: options.command,
      ExposedPorts: Object.fromEntries((options.exposedPorts ?? []).map((port) => [`${port}/tcp`, {}])),
    },
    rootfs: { type: "layers", diff_ids: options.layers.map(({ diffId }) => diffId) },
    history: options.layers.map(() => ({ created: "2026-01-01T00:00:00Z", created_by: "odysseus testbed" })),
  };
  const { name, tag, architecture, layers } = options;
  return { name, tag, architecture, layers, config: Buffer.from(JSON.stringify(config)) };
}

/** What `docker save` would write for these images; shared layers are stored once. */
export function imageArchive(images: readonly Image[]): Buffer {
  const files = new Map<string, Buffer>();
  const manifest = images.map(({ name, tag, config, layers }) => {
    const configPath = `${hex(sha256(config))}.json`;
    files.set(configPath, config);
    for (const { diffId, tar: content } of layers) files.set(layerPath(diffId), content);
    return { Config: configPath, RepoTags: [`${name}:${tag}`], Layers: layers.map(({ diffId }) => layerPath(diffId)) };
  });
  files.set("manifest.json", Buffer.from(JSON.stringify(manifest)));
  return tar([...files].map(([path, content]) => ({ kind: "file", path, content, mode: 0o644 })));
}

const hex = (digest: string): string => digest.slice("sha256:".length);
const layerPath = (diffId: string): string => `${hex(diffId)}.tar`;
