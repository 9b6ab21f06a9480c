import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { PinnedImage } from "../../actors/deployment/contract.ts";
import type { DockerConnection } from "../engine/docker-connection.ts";
import { engineName, inspectImage, resolveImage } from "../engine/docker-images.ts";
import { importImage } from "../engine/docker-import.ts";
import { pullImage } from "../engine/docker-pull.ts";
import { EngineFailure } from "../engine/port.ts";
import { emptyArchive, programArchive } from "./archive.ts";

/** Where the program is in the image, ours or Traefik's own. */
export const PROGRAM_PATH = "/usr/local/bin/traefik";
const PROGRAM_REPOSITORY = "odysseus/traefik";
/** Holds nothing: what is run in it is the node's own. */
const EMPTY_IMAGE = { repository: "odysseus/empty", tag: "1" } as const;

export type FoundProgram =
  | { readonly kind: "found"; readonly path: string; readonly version: string }
  /** One sentence: what is missing, and what to do. */
  | { readonly kind: "missing"; readonly sentence: string };

/** Where a node's proxy comes from. */
export type ProxySource =
  /** Pulled; where no registry answers, made of a program that is found or brought, if there is a way to. */
  | { readonly kind: "image"; readonly reference: string; readonly otherwise: (() => Promise<FoundProgram>) | undefined }
  | { readonly kind: "program"; readonly find: () => Promise<FoundProgram> }
  | { readonly kind: "off"; readonly reason: string };

/** The engine's name of an image, and what it was pulled or made for. */
export interface FoundImage {
  readonly name: string;
  readonly source: string;
}

/** There is no proxy to be had; the message is one sentence for a person. */
export class NoProxy extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = "NoProxy";
  }
}

/** The proxy's image on one engine. */
export class ProxyImage {
  readonly #connection: DockerConnection;
  readonly #source: ProxySource;
  #pinned: PinnedImage | undefined;

  constructor(connection: DockerConnection, source: ProxySource) {
    this.#connection = connection;
    this.#source = source;
  }

  /** The engine's name for it, once it is there. `remembered` was answered before and is asked of no registry again. Rejects with `NoProxy` or `EngineFailure`. */
  async ensure(remembered: FoundImage | undefined): Promise<FoundImage> {
    const source = this.#source;
    switch (source.kind) {
      case "off":
        throw new NoProxy(source.reason);
      case "program":
        return { name: await this.#fromProgram(await source.find()), source: "program" };
      case "image":
        if (remembered?.source === source.reference && (await this.#isThere(remembered.name))) return remembered;
        return { name: await this.#fromRegistry(source.reference, source.otherwise), source: source.reference };
      default:
        return source satisfies never;
    }
  }

  async #fromRegistry(reference: string, otherwise: (() => Promise<FoundProgram>) | undefined): Promise<string> {
    try {
      this.#pinned ??= (await resolveImage(this.#connection, reference)).image;
      const name = engineName(this.#pinned);
      if (!(await this.#isThere(name))) await pullImage(this.#connection, this.#pinned, () => undefined, new AbortController().signal);
      return name;
    } catch (cause) {
      if (!(cause instanceof EngineFailure) || cause.failure.code === "engine.unavailable") throw cause;
      if (otherwise === undefined) throw new NoProxy(`There is no proxy on this node: ${cause.message}`, cause);
      return this.#fromProgram(await otherwise());
    }
  }

  async #fromProgram(program: FoundProgram): Promise<string> {
    if (program.kind === "missing") throw new NoProxy(program.sentence);
    const { size, mtimeMs } = await stat(program.path);
    const file = createHash("sha256").update(`${size} ${mtimeMs}`).digest("hex").slice(0, 12);
    const name = { repository: PROGRAM_REPOSITORY, tag: `${program.version}-${file}` };
    return this.#made(name, () => programArchive(program.path, PROGRAM_PATH.slice(1)));
  }

  /** For commands on the node, which need no program of ours. */
  empty(): Promise<string> {
    return this.#made(EMPTY_IMAGE, emptyArchive);
  }

  async #made(name: { readonly repository: string; readonly tag: string }, archive: () => AsyncIterable<Buffer>): Promise<string> {
    const reference = `${name.repository}:${name.tag}`;
    if (!(await this.#isThere(reference))) await importImage(this.#connection, name, archive());
    return reference;
  }

  async #isThere(name: string): Promise<boolean> {
    return (await inspectImage(this.#connection, name, name)) !== undefined;
  }
}
