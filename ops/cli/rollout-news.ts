import { follow } from "./event-stream.ts";
import { pathOf } from "./routes.ts";
import type { Session } from "./session.ts";

/** Events of one moment make one picture. */
const SETTLE_MS = 50;

export interface News {
  /** Resolves when something happened to the deployment, or to any, or after `withinMs`. */
  readonly next: (withinMs: number) => Promise<void>;
  readonly close: () => void;
}

export function openNews(session: Session, deployment: string | undefined): News {
  const closing = new AbortController();
  const signal = AbortSignal.any([session.signal, closing.signal]);
  let wake: (() => void) | undefined;
  let hasNews = false;
  const listen = async (): Promise<void> => {
    for await (const _event of follow(session.api(), { path: pathOf("events.stream"), query: { deployment }, signal, ends: false })) {
      if (hasNews) continue;
      hasNews = true;
      wake?.();
    }
  };
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(end, ms);
      function end(): void {
        clearTimeout(timer);
        session.signal.removeEventListener("abort", end);
        resolve();
      }
      wake = end;
      session.signal.addEventListener("abort", end, { once: true });
    });
  // Without the stream the regular look is enough; what is wrong with the control plane shows there.
  listen().catch(() => undefined);
  return {
    close: () => closing.abort(),
    next: async (withinMs) => {
      if (!hasNews) await sleep(withinMs);
      if (hasNews) await sleep(Math.min(SETTLE_MS, withinMs));
      hasNews = false;
      session.signal.throwIfAborted();
    },
  };
}
