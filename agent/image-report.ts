import { createHash } from "node:crypto";
import type { AgentWelcome } from "../actors/node/contract.ts";
import {
  IMAGES_LOOK_INTERVAL_MS,
  type ImagesSeen,
  MAX_TOLD_IMAGES,
  type NodeImage,
  type NodeImages,
} from "../actors/node/images-contract.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { ControlPlaneLink } from "./control-plane-link.ts";
import { type Engine, EngineFailure, type EngineImages } from "./engine/port.ts";

/** Changes come in bursts, of a pull or of somebody tidying up: one look is for all of them. */
const SETTLE_MS = 250;
/** Characters of the images in one message: with their worst encoding still below the bus' largest message. */
const MAX_TOLD_CHARS = 250_000;

export interface ImageReportParts {
  readonly engine: Engine;
  readonly link: ControlPlaneLink;
  readonly clock: Clock;
  readonly session: string;
}

interface Look {
  readonly version: string;
  readonly told: NodeImages;
  readonly atMonotonicMs: number;
}

/** Tells the control plane which images the engine has: after each change, and whenever it knows another state of them than the engine's. */
export class ImageReport {
  readonly #parts: ImageReportParts;
  #last: Look | undefined;
  #timer: Timer | undefined;
  #isLooking = false;
  /** Something changed since the last look began. */
  #isDue = false;
  #telling = false;
  #stopped = false;

  constructor(parts: ImageReportParts) {
    this.#parts = parts;
    void this.#look();
  }

  /** Undefined: the engine has not answered yet. */
  get seen(): ImagesSeen | undefined {
    return this.#last === undefined ? undefined : seenOf(this.#last, this.#parts.clock);
  }

  /** The engine says that something changed, or has come back. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (!this.#isLooking) this.#lookAfter(SETTLE_MS);
  }

  /** What the control plane knows may be of another life of ours, or of its own. */
  heard(welcome: AgentWelcome): void {
    if (this.#last !== undefined && welcome.images !== this.#last.version) void this.#tell(this.#last);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #lookAfter(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(delayMs, () => {
      this.#isDue = false;
      void this.#look();
    });
  }

  /** An engine that does not answer is asked again at the usual time: the age of what was told says the rest. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      const told = bounded(await this.#parts.engine.images());
      const version = createHash("sha256").update(JSON.stringify(told)).digest("hex").slice(0, 16);
      const isNews = version !== this.#last?.version;
      this.#last = { version, told, atMonotonicMs: this.#parts.clock.monotonicMs() };
      if (isNews) void this.#tell(this.#last);
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
    }
    this.#isLooking = false;
    this.#lookAfter(this.#isDue ? SETTLE_MS : IMAGES_LOOK_INTERVAL_MS);
  }

  /** What is lost of it is asked for by the answer to the next heartbeat. */
  async #tell(look: Look): Promise<void> {
    if (this.#telling || this.#stopped) return;
    this.#telling = true;
    try {
      const { link, session, clock } = this.#parts;
      await link.ask({ kind: "agent.images", session, seen: seenOf(look, clock), told: look.told });
    } finally {
      this.#telling = false;
    }
  }
}

function seenOf({ version, atMonotonicMs }: Look, clock: Clock): ImagesSeen {
  return { version, ageMs: clock.monotonicMs() - atMonotonicMs };
}

/** The largest first, in the same order every time; as many as one message takes. */
function bounded({ images, diskBytes }: EngineImages): NodeImages {
  const told: NodeImage[] = [];
  let chars = 0;
  for (const image of images.toSorted((one, other) => other.sizeBytes - one.sizeBytes || (one.id < other.id ? -1 : 1))) {
    const size = JSON.stringify(image).length;
    if (told.length >= MAX_TOLD_IMAGES || chars + size > MAX_TOLD_CHARS) continue;
    chars += size;
    told.push(image);
  }
  return { images: told, leftOut: images.length - told.length, ...(diskBytes !== undefined && { diskBytes }) };
}
