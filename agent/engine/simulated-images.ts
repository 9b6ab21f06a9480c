import { createHash } from "node:crypto";
import type { PinnedImage } from "../../actors/deployment/contract.ts";
import { listedName } from "../../actors/deployment/image-name-contract.ts";
import type { Engine, EngineFailure, EngineImages } from "./port.ts";
import type { SimulatedBehaviour } from "./simulated-behaviour.ts";
import type { SimulatedCalls } from "./simulated-calls.ts";
import type { RegistryFault, SimulatedImage, SimulatedRegistry } from "./simulated-registry.ts";
import { engineFailures } from "./failures.ts";

const LOOKUP_MS = 60;
const PULL_STEPS = 10;
const SYSTEM_BYTES = 4 * 1024 ** 3;
const LOADED_IMAGE_BYTES = 20 * 1024 * 1024;

interface KeptImage {
  readonly sizeBytes: number;
  readonly reference: string;
}

/** The images on one simulated node, and its disk. */
export class SimulatedImages {
  readonly #registry: SimulatedRegistry;
  readonly #calls: SimulatedCalls;
  readonly #arch: string;
  readonly #diskBytes: number;
  readonly #changed: () => void;
  readonly #kept = new Map<string, KeptImage>();
  readonly #loaded = new Map<string, string>();
  #filledBytes = 0;

  constructor(
    registry: SimulatedRegistry,
    calls: SimulatedCalls,
    machine: { readonly arch: string; readonly diskBytes: number },
    changed: () => void,
  ) {
    this.#registry = registry;
    this.#calls = calls;
    this.#arch = machine.arch;
    this.#diskBytes = machine.diskBytes;
    this.#changed = changed;
  }

  has(digest: string): boolean {
    return this.#kept.has(digest);
  }

  resolve(reference: string): ReturnType<Engine["resolve"]> {
    return this.#calls.make(LOOKUP_MS, () => {
      const loaded = this.#loaded.get(reference);
      if (loaded !== undefined)
        return { image: { reference, digest: loaded, source: "node" as const }, platforms: [{ os: "linux", arch: this.#arch }] };
      const found = this.#registry.lookup(reference, undefined);
      if (typeof found === "string") throw failureOf(reference, found);
      return { image: { reference, digest: found.digest, source: "registry" as const }, platforms: found.platforms };
    });
  }

  resolveOwn(reference: string): ReturnType<Engine["resolve"]> {
    return this.#calls.make(LOOKUP_MS, () => {
      const found = this.#registry.lookup(reference, undefined);
      const digest = this.#loaded.get(reference) ?? (typeof found === "string" ? undefined : found.digest);
      if (digest === undefined || !this.has(digest)) throw engineFailures.imageNotHere(reference);
      return { image: { reference, digest, source: "node" as const }, platforms: [{ os: "linux", arch: this.#arch }] };
    });
  }

  async pull(image: PinnedImage, progress: (doneBytes: number, totalBytes: number) => void, signal: AbortSignal): Promise<void> {
    const found = await this.#calls.make(LOOKUP_MS, () => this.#lookup(image));
    if (found === undefined) return;
    const stepMs = (found.sizeBytes / this.#registry.bytesPerSecond / PULL_STEPS) * 1_000;
    for (let step = 1; step <= PULL_STEPS; step++) {
      await this.#calls.make(stepMs, () => this.#requireFree(found.sizeBytes, `pulling ${image.reference}`));
      if (signal.aborted) throw engineFailures.engineError(`pulling ${image.reference}`, "it was called off");
      if (this.#registry.lookup(image.reference, image.digest) === "unavailable") throw failureOf(image.reference, "unavailable");
      progress(Math.round((found.sizeBytes * step) / PULL_STEPS), found.sizeBytes);
    }
    this.#keep(image.digest, { sizeBytes: found.sizeBytes, reference: listedName(image) });
  }

  /** What the registry keeps under the image's digest; the image has to be on the node. */
  content(image: PinnedImage): Partial<SimulatedBehaviour> {
    if (!this.has(image.digest)) throw engineFailures.imageNotFound(image.reference);
    return this.#registry.content(image.digest)?.behaviour ?? {};
  }

  load(reference: string): string {
    const digest = `sha256:${createHash("sha256").update(`loaded ${reference}`).digest("hex")}`;
    this.#loaded.set(reference, digest);
    this.#keep(digest, { sizeBytes: LOADED_IMAGE_BYTES, reference });
    return digest;
  }

  remove(digest: string): void {
    for (const [reference, loaded] of this.#loaded) if (loaded === digest) this.#loaded.delete(reference);
    if (this.#kept.delete(digest)) this.#changed();
  }

  listed(): EngineImages {
    const images = [...this.#kept].map(([id, { reference, sizeBytes }]) => ({ id, references: [reference], sizeBytes }));
    return { images, diskBytes: this.#imagesBytes() };
  }

  requireRoom(doing: string): void {
    this.#requireFree(1, doing);
  }

  fillDisk(): void {
    const { totalBytes, usedBytes } = this.disk();
    this.#filledBytes += totalBytes - usedBytes;
  }

  freeDisk(): void {
    this.#filledBytes = 0;
  }

  disk(): { readonly totalBytes: number; readonly usedBytes: number } {
    return { totalBytes: this.#diskBytes, usedBytes: Math.min(this.#diskBytes, SYSTEM_BYTES + this.#imagesBytes() + this.#filledBytes) };
  }

  #imagesBytes(): number {
    return [...this.#kept.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #keep(digest: string, image: KeptImage): void {
    this.#kept.set(digest, image);
    this.#changed();
  }

  /** Undefined: it is here already. */
  #lookup(image: PinnedImage): SimulatedImage | undefined {
    if (this.has(image.digest)) return undefined;
    if (image.source === "node") throw engineFailures.imageNotHere(image.reference);
    const found = this.#registry.lookup(image.reference, image.digest);
    if (typeof found === "string") throw failureOf(image.reference, found);
    if (!found.platforms.some((platform) => platform.arch === this.#arch)) {
      const built = found.platforms.map((platform) => `${platform.os}/${platform.arch}`).join(", ");
      throw engineFailures.platformMismatch(image.reference, `linux/${this.#arch}`, built);
    }
    return found;
  }

  #requireFree(bytes: number, doing: string): void {
    const { totalBytes, usedBytes } = this.disk();
    if (totalBytes - usedBytes < bytes) throw engineFailures.diskFull(doing);
  }
}

const failures: Readonly<Record<RegistryFault, (reference: string) => EngineFailure>> = {
  "not-found": (reference) => engineFailures.imageNotFound(reference),
  denied: (reference) => engineFailures.accessDenied(reference),
  unavailable: (reference) => engineFailures.registryUnavailable(reference, "connection refused"),
};

function failureOf(reference: string, fault: RegistryFault): EngineFailure {
  return failures[fault](reference);
}
