import type { PinnedImage } from "../actors/deployment/contract.ts";
import { listedName } from "../actors/deployment/image-name-contract.ts";
import type { Log } from "../runtime/log.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import { Gate } from "./gate.ts";

/** Pulls at once on one node; the others wait in order. */
export const MAX_CONCURRENT_PULLS = 3;
/** Images remembered as present; beyond it the oldest memory is dropped, and the engine is asked again. */
const MAX_REMEMBERED_IMAGES = 1_000;

type Progress = (doneBytes: number, totalBytes: number) => void;

interface SharedPull {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  readonly listeners: Set<Progress>;
  waiters: number;
}

/** Brings images to the node: one pull per image, shared by everybody who wants it, and given up when nobody does any more. */
export class Images {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #gate = new Gate(MAX_CONCURRENT_PULLS);
  readonly #pulls = new Map<string, SharedPull>();
  readonly #present = new Set<string>();
  #isStopped = false;

  constructor(engine: Engine, log: Log) {
    this.#engine = engine;
    this.#log = log;
  }

  isPresent(image: PinnedImage): boolean {
    return this.#present.has(listedName(image));
  }

  /** Somebody may have removed it: ask before the next use. */
  doubt(image: PinnedImage): void {
    this.#present.delete(listedName(image));
  }

  doubtAll(): void {
    this.#present.clear();
  }

  /** Resolves once the image is there; rejects with `EngineFailure`, or with the signal's reason. `pulling` is called only if it has to be fetched. */
  async ensure(
    image: PinnedImage,
    options: { readonly pulling: () => void; readonly progress: Progress; readonly signal: AbortSignal },
  ): Promise<void> {
    if (this.isPresent(image)) return;
    if (!this.#pulls.has(listedName(image)) && (await this.#engine.hasImage(image))) {
      this.#remember(image);
      return;
    }
    options.signal.throwIfAborted();
    options.pulling();
    const pull = this.#pulls.get(listedName(image)) ?? this.#begin(image);
    await this.#join(pull, options.progress, options.signal);
  }

  /** For images that will be wanted soon. A failure is told to whoever needs the image later. */
  prefetch(images: readonly PinnedImage[]): void {
    for (const image of images) {
      const never = new AbortController().signal;
      this.ensure(image, { pulling: () => undefined, progress: () => undefined, signal: never }).catch((cause: unknown) => {
        if (this.#isStopped) return;
        if (!(cause instanceof EngineFailure)) throw cause;
        this.#log.warn("an image could not be fetched ahead", { image: image.reference, reason: cause.message });
      });
    }
  }

  /** Gives up every pull. */
  stop(): void {
    this.#isStopped = true;
    for (const pull of this.#pulls.values()) pull.abort.abort(new Error("the agent stops"));
  }

  #begin(image: PinnedImage): SharedPull {
    const key = listedName(image);
    const abort = new AbortController();
    const listeners = new Set<Progress>();
    const tell: Progress = (doneBytes, totalBytes) => {
      for (const listener of listeners) listener(doneBytes, totalBytes);
    };
    const fetched = this.#gate.run(async () => {
      abort.signal.throwIfAborted();
      await this.#engine.pull(image, tell, abort.signal);
    });
    const done = fetched.then(
      () => {
        this.#forget(key, pull);
        this.#remember(image);
      },
      (cause: unknown) => {
        this.#forget(key, pull);
        throw cause;
      },
    );
    const pull: SharedPull = { done, abort, listeners, waiters: 0 };
    this.#pulls.set(key, pull);
    return pull;
  }

  #forget(key: string, pull: SharedPull): void {
    if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
  }

  async #join(pull: SharedPull, progress: Progress, signal: AbortSignal): Promise<void> {
    pull.listeners.add(progress);
    pull.waiters += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason as Error);
    signal.addEventListener("abort", leave);
    try {
      await Promise.race([pull.done, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      pull.listeners.delete(progress);
      pull.waiters -= 1;
      if (pull.waiters === 0) this.#abandon(pull, signal);
    }
  }

  /** The last who waited has left. A pull that is already over does not mind. */
  #abandon(pull: SharedPull, signal: AbortSignal): void {
    if (!signal.aborted) return;
    pull.done.catch(() => undefined);
    for (const [key, other] of this.#pulls) if (other === pull) this.#pulls.delete(key);
    pull.abort.abort(signal.reason);
  }

  #remember(image: PinnedImage): void {
    if (this.#present.size >= MAX_REMEMBERED_IMAGES) {
      const [oldest] = this.#present;
      if (oldest !== undefined) this.#present.delete(oldest);
    }
    this.#present.add(listedName(image));
  }
}
