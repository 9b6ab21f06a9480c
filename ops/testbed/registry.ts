import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machineAddress, registryCgroup } from "./addresses.ts";
import { type BedRecord, bedDirectory } from "./bed-record.ts";
import { killMembers } from "./cgroup.ts";
import { until } from "./command.ts";
import { type Image, sha256 } from "./image.ts";
import { spawnInGroup } from "./process-in-group.ts";

const PORT = 5000;
const START_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 20_000;

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** The registry's program comes from the nodes' root: installing the package on the machine would start a service there. */
const START_SCRIPT =
  'mount --bind "$STORE" "$ROOTFS/var/lib/docker-registry"; exec chroot "$ROOTFS" docker-registry serve /var/lib/docker-registry/config.yml';

/** A real registry on the machine's address in the testbed's network; the nodes use it without TLS. */
export class TestbedRegistry {
  /** `host:port`, the first part of an image reference. */
  readonly address: string;
  readonly #store: string;
  readonly #rootfs: string;
  readonly #cgroup: string;
  readonly #secret: string;

  constructor(cache: string, rootfs: string, bed: BedRecord) {
    this.address = `${machineAddress(bed)}:${PORT}`;
    this.#store = join(bedDirectory(cache, bed.name), "registry");
    this.#rootfs = rootfs;
    this.#cgroup = registryCgroup(bed);
    this.#secret = bed.token;
  }

  async start(): Promise<void> {
    if (await this.answers()) return;
    mkdirSync(this.#store, { recursive: true });
    writeFileSync(join(this.#store, "config.yml"), this.#configuration());
    const env = { ...process.env, STORE: this.#store, ROOTFS: this.#rootfs };
    const command = ["unshare", "-m", "--propagation", "private", "sh", "-ec", START_SCRIPT];
    const logPath = join(this.#store, "registry.log");
    spawnInGroup(this.#cgroup, command, { env, logPath });
    await until(`the registry answers (${logPath})`, () => this.answers(), START_TIMEOUT_MS);
  }

  /** From now on connections are refused; what was pushed stays. */
  async stop(): Promise<void> {
    await killMembers(this.#cgroup);
  }

  async answers(): Promise<boolean> {
    return fetch(`http://${this.address}/v2/`, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false,
    );
  }

  /** How a node names an image of this registry, e.g. `10.117.0.254:5000/odysseus-test/bb:1`. */
  reference(image: Pick<Image, "name" | "tag">): string {
    return `${this.address}/${image.name}:${image.tag}`;
  }

  /** Stores an image and points `tag` (its own unless told otherwise) at it; returns the digest that a pull by this tag resolves to. */
  async push(image: Image, tag: string = image.tag): Promise<string> {
    for (const layer of image.layers) await this.#putBlob(image.name, layer.gzip, layer.digest);
    const configDigest = sha256(image.config);
    await this.#putBlob(image.name, image.config, configDigest);
    return this.#putManifest(image.name, tag, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: CONFIG, size: image.config.length, digest: configDigest },
      layers: image.layers.map(({ gzip, digest }) => ({ mediaType: LAYER, size: gzip.length, digest })),
    });
  }

  /** The same under a list of platforms with this single entry: a pull on any other platform is refused, as with real images. */
  async pushForItsPlatformOnly(image: Image, tag: string = image.tag): Promise<string> {
    const digest = await this.push(image, `${tag}-${image.architecture}`);
    const size = Number(
      (await this.#request("HEAD", `${image.name}/manifests/${digest}`, { accept: MANIFEST })).headers.get("content-length"),
    );
    const platform = { os: "linux", architecture: image.architecture };
    const manifests = [{ mediaType: MANIFEST, size, digest, platform }];
    return this.#putManifest(image.name, tag, { schemaVersion: 2, mediaType: MANIFEST_LIST, manifests });
  }

  async #putBlob(name: string, content: Buffer, digest: string): Promise<void> {
    const known = await fetch(this.#url(`${name}/blobs/${digest}`), { method: "HEAD" });
    if (known.ok) return;
    const upload = await this.#request("POST", `${name}/blobs/uploads/`, {});
    const location = new URL(upload.headers.get("location") ?? "", this.#url(""));
    location.searchParams.set("digest", digest);
    await this.#request("PUT", location, { "content-type": "application/octet-stream" }, content);
  }

  async #putManifest(
    name: string,
    tag: string,
    manifest: { readonly mediaType: string } & Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const content = Buffer.from(JSON.stringify(manifest));
    await this.#request("PUT", `${name}/manifests/${tag}`, { "content-type": manifest.mediaType }, content);
    return sha256(content);
  }

  async #request(method: string, target: string | URL, headers: Record<string, string>, body?: Buffer): Promise<Response> {
    const url = typeof target === "string" ? this.#url(target) : target;
    const payload = body === undefined ? {} : { body: new Uint8Array(body) };
    const response = await fetch(url, { method, headers, ...payload, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`registry: ${method} ${url.href} gave ${response.status}: ${await response.text()}`);
    if (method !== "HEAD") await response.arrayBuffer(); // frees the connection
    return response;
  }

  #url(path: string): URL {
    return new URL(`http://${this.address}/v2/${path}`);
  }

  #configuration(): string {
    return [
      "version: 0.1",
      "log: { level: warn }",
      "storage: { filesystem: { rootdirectory: /var/lib/docker-registry/data }, delete: { enabled: true } }",
      `http: { addr: "${this.address}", secret: "${this.#secret}" }`,
      "",
    ].join("\n");
  }
}
