const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An order that is not done by then has failed. */
export const ORDER_DEADLINE_MS = 10 * MINUTE_MS;
/** Orders at the authority at once. */
export const MAX_ORDERS_AT_ONCE = 4;
/** Nothing is renewed sooner after it was had, whatever our clock says: a clock that is wrong must not make us ask without end. */
const MIN_RENEWAL_PAUSE_MS = 12 * HOUR_MS;
/** Of a certificate's life, beside the two thirds after which it is renewed: so much later at most, so that those had together are not renewed together. */
const RENEWAL_JITTER_SHARE = 0.05;
/** So much of its life before its end a certificate that was not renewed is an alarm; at most, for long lives. */
const ALARM_SHARE = 1 / 5;
const MAX_ALARM_MS = 21 * DAY_MS;

/**
 * Pauses after the first, second, ... failure in a row; the last is repeated. An authority that refused is asked at most four times in the first hour: Let's
 * Encrypt blocks a host after five failures within one (https://letsencrypt.org/docs/rate-limits/).
 */
const PAUSES_AFTER_REFUSAL_MS = [1, 10, 30, 60, 120, 240, 480, 720, 1_440].map((minutes) => minutes * MINUTE_MS);
/** An authority that could not be reached counts nothing against us. */
const PAUSES_AFTER_SILENCE_MS = [0.5, 1, 2, 5, 10, 30, 60].map((minutes) => minutes * MINUTE_MS);
const PAUSE_JITTER_SHARE = 0.2;

/** Failures within the last hour after which nobody, not even a person, has the authority asked again for that host. */
export const MAX_FAILURES_PER_HOUR = 4;
export const FAILURE_WINDOW_MS = HOUR_MS;

/** unreachable: no answer, or one that is not of an authority. limited: it asks us to wait. refused: it looked and said no. */
export type FailureKind = "unreachable" | "limited" | "refused";

/** When a certificate is renewed: after two thirds of its life, spread by its host. */
export function renewAtMs(host: string, { notBeforeMs, notAfterMs }: Life, nowMs: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const dueMs = notBeforeMs + lifeMs * (2 / 3 + RENEWAL_JITTER_SHARE * fractionOf(host));
  return Math.round(Math.max(dueMs, nowMs + Math.max(MINUTE_MS, Math.min(MIN_RENEWAL_PAUSE_MS, lifeMs / 2))));
}

/** When it is said that a certificate will end unrenewed. */
export function alarmAtMs({ notBeforeMs, notAfterMs }: Life): number {
  return Math.round(notAfterMs - Math.min(MAX_ALARM_MS, (notAfterMs - notBeforeMs) * ALARM_SHARE));
}

/** `failures` in a row, this one included. */
export function pauseMs(host: string, kind: FailureKind, failures: number, retryAfterMs: number | undefined): number {
  const pauses = kind === "unreachable" ? PAUSES_AFTER_SILENCE_MS : PAUSES_AFTER_REFUSAL_MS;
  const pause = pauses[Math.min(failures, pauses.length) - 1] ?? 0;
  const spread = pause * (1 + PAUSE_JITTER_SHARE * fractionOf(`${host}/${failures}`));
  return Math.round(Math.max(spread, kind === "limited" ? HOUR_MS : 0, retryAfterMs ?? 0));
}

export interface Life {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** In [0, 1), the same for the same text: chance without a source of chance (FNV-1a). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}
