import { createHash } from "node:crypto";
import type { SimulatedBehaviour } from "./simulated-behaviour.ts";
import { splitReference } from "../../actors/deployment/image-name-contract.ts";

export interface SimulatedImage {
  readonly digest: string;
  readonly platforms: readonly { readonly os: string; readonly arch: string }[];
  readonly sizeBytes: number;
  readonly behaviour: Partial<SimulatedBehaviour>;
}

/** How asking for an image goes wrong. */
export type RegistryFault = "not-found" | "denied" | "unavailable";

const MEBIBYTE = 1024 * 1024;
const DEFAULT_SIZE_BYTES = 20 * MEBIBYTE;
const SLOW_PULL_SIZE_BYTES = 3_000 * MEBIBYTE;
/** What a node receives from it, per second. */
const DEFAULT_BYTES_PER_SECOND = 50 * MEBIBYTE;

/** These repositories always fail so, for tours and tests that only have a reference to say it with. */
const faultyRepositories: Readonly<Record<string, RegistryFault>> = {
  "sim/missing": "not-found",
  "sim/denied": "denied",
  "sim/unavailable": "unavailable",
};

/**
 * The registries all simulated nodes pull from. Every reference exists, unless a fault says otherwise: what was never pushed is a 20 MiB image for amd64
 * and arm64 (`sim/arm`: arm64 alone; `sim/slowpull`: takes a minute). Pushing a tag again moves it; digests stay what they were.
 */
export class SimulatedRegistry {
  bytesPerSecond = DEFAULT_BYTES_PER_SECOND;
  readonly #tags = new Map<string, string>();
  readonly #images = new Map<string, SimulatedImage>();
  readonly #pushes = new Map<string, number>();
  readonly #faults = new Map<string, RegistryFault>();
  #outage = false;

  /** Answers the digest. */
  push(reference: string, image: Partial<Omit<SimulatedImage, "digest">> = {}): string {
    const name = normalize(reference);
    const count = (this.#pushes.get(name) ?? 0) + 1;
    this.#pushes.set(name, count);
    return this.#store(name, count, image);
  }

  /** Until `mend`, everything about this reference (or this whole repository, without a tag) fails so. */
  fail(reference: string, fault: RegistryFault): void {
    this.#faults.set(reference, fault);
  }

  mend(reference: string): void {
    this.#faults.delete(reference);
  }

  goDown(): void {
    this.#outage = true;
  }

  comeUp(): void {
    this.#outage = false;
  }

  /** By tag, or by digest when the reference carries one. */
  lookup(reference: string, digest: string | undefined): SimulatedImage | RegistryFault {
    const { repository } = splitReference(reference);
    if (this.#outage) return "unavailable";
    const fault = this.#faults.get(reference) ?? this.#faults.get(repository) ?? faultyRepositories[repository];
    if (fault !== undefined) return fault;
    const wanted = digest ?? reference.split("@")[1] ?? this.#tags.get(normalize(reference)) ?? this.#store(normalize(reference), 0, {});
    return this.#images.get(wanted) ?? this.#keep(repository, wanted, {});
  }

  /** What is under a digest, whatever state the registry is in: for containers of images that are on a node already. */
  content(digest: string): SimulatedImage | undefined {
    return this.#images.get(digest);
  }

  #store(name: string, count: number, image: Partial<Omit<SimulatedImage, "digest">>): string {
    const digest = `sha256:${createHash("sha256").update(`${name}#${count}`).digest("hex")}`;
    this.#keep(splitReference(name).repository, digest, image);
    this.#tags.set(name, digest);
    return digest;
  }

  /** A digest never seen here may have been pinned before the simulation was restarted: it exists like any other reference. */
  #keep(repository: string, digest: string, image: Partial<Omit<SimulatedImage, "digest">>): SimulatedImage {
    const both = ["amd64", "arm64"].map((arch) => ({ os: "linux", arch }));
    const kept = {
      digest,
      platforms: image.platforms ?? (repository === "sim/arm" ? [{ os: "linux", arch: "arm64" }] : both),
      sizeBytes: image.sizeBytes ?? (repository === "sim/slowpull" ? SLOW_PULL_SIZE_BYTES : DEFAULT_SIZE_BYTES),
      behaviour: image.behaviour ?? {},
    };
    this.#images.set(digest, kept);
    return kept;
  }
}

function normalize(reference: string): string {
  const { repository, tag } = splitReference(reference);
  return `${repository}:${tag}`;
}
